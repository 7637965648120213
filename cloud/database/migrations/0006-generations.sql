-- Answers that the cloud makes, and their events, for a day: whoever asked can lose the connection, or the process, and have them again.

create table generations (
  user_id uuid not null,
  -- Made by the client; so it is unique for that user alone.
  id uuid not null,
  conversation_id uuid not null,
  parent_id uuid,
  question_id uuid not null,
  -- SHA-256 of the request: the same id with another request is refused.
  request_hash bytea not null,
  model text not null,
  status text not null default 'running' check (status in ('running', 'complete', 'stopped', 'failed')),
  -- Of the newest event that is kept here.
  seq integer not null default 0,
  cancel_requested boolean not null default false,
  -- The server that makes it renews this; one that does not any more is dead.
  lease_until timestamptz not null,
  created_at timestamptz not null default now(),
  primary key (user_id, id)
);
create index generations_created on generations (created_at);
create index generations_running on generations (lease_until) where status = 'running';

-- Events in the batches they were written in.
create table generation_events (
  user_id uuid not null,
  generation_id uuid not null,
  first_seq integer not null,
  last_seq integer not null,
  events jsonb not null,
  primary key (user_id, generation_id, first_seq),
  foreign key (user_id, generation_id) references generations (user_id, id) on delete cascade
);

alter table generations enable row level security;
alter table generations force row level security;
alter table generation_events enable row level security;
alter table generation_events force row level security;
create policy own on generations to fusion_app using (user_id = fusion_user()) with check (user_id = fusion_user());
create policy own on generation_events to fusion_app using (user_id = fusion_user()) with check (user_id = fusion_user());
-- The owner of the functions below, which see to the answers of everybody.
create policy tended on generations to current_user using (true);
create policy tended on generation_events to current_user using (true);
grant select, insert, update on generations to fusion_app;
grant select, insert on generation_events to fusion_app;

-- Renews the leases of what a server is making, and tells which of it was cancelled.
create function tend_generations(users uuid[], ids uuid[], lease_seconds integer) returns setof uuid[]
  language sql security definer set search_path = pg_catalog, public, pg_temp
  as $$
    update generations g set lease_until = now() + make_interval(secs => lease_seconds)
    from unnest(users, ids) as mine(user_id, id)
    where g.user_id = mine.user_id and g.id = mine.id and g.status = 'running'
    returning case when g.cancel_requested then array[g.user_id, g.id] end
  $$;

-- Closes the answers of servers that are dead. Some events may have been seen by clients and never written here: the last one stands behind
-- any of those, so that it is new to every client.
create function close_orphans(failed jsonb) returns integer
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp
  as $$
    declare
      orphan record;
      closed integer := 0;
    begin
      for orphan in
        update generations set status = 'failed', seq = seq + 1000
        where (user_id, id) in (select user_id, id from generations where status = 'running' and lease_until < now() for update skip locked)
        returning user_id, id, seq
      loop
        insert into generation_events values (orphan.user_id, orphan.id, orphan.seq, orphan.seq, jsonb_build_array(failed));
        closed := closed + 1;
      end loop;
      return closed;
    end
  $$;

-- A day is what was promised.
create function forget_generations() returns void
  language sql security definer set search_path = pg_catalog, public, pg_temp
  as $$ delete from generations where created_at < now() - interval '1 day' and status <> 'running' $$;

revoke all on function tend_generations, close_orphans, forget_generations from public;
grant execute on function tend_generations, close_orphans, forget_generations to fusion_app;
