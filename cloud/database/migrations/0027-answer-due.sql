-- Answers that were asked for without a prompt stand in their conversation as well, once they have ended: also where their server was killed.

-- Asked for so, and not written to its conversation yet.
alter table generations add column answer_due boolean not null default false;
create index generations_due on generations (created_at) where answer_due;

-- Ended, and still to be written: each by its own user.
create function due_answers() returns table (user_id uuid, id uuid)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
  as $$ select g.user_id, g.id from generations g where g.answer_due and g.status <> 'running' order by g.created_at limit 100 $$;

-- What is not in its conversation yet is kept until it is.
create or replace function forget_generations() returns void
  language sql security definer set search_path = pg_catalog, public, pg_temp
  as $$ delete from generations where created_at < now() - interval '1 day' and status <> 'running' and not answer_due $$;

revoke all on function due_answers from public;
grant execute on function due_answers to fusion_app;
