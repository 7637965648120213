-- Accounts that their people delete: closed, nameless and without a way in at once; what is theirs goes a minute later, when no server takes
-- a session of theirs for a living one any more.
alter table users add column removed_at timestamptz;
create index users_removed on users (removed_at) where removed_at is not null;

-- The last of an account that is removed: answers and their events, and the person with all that hangs on them. What fills tables, messages
-- above all, was taken out before, in slices.
create function forget_account(account uuid) returns void
  language sql security definer set search_path = pg_catalog, public, pg_temp
  as $$
    delete from generations g where g.user_id = account and exists (select from users u where u.id = account and u.removed_at is not null);
    delete from users u where u.id = account and u.removed_at is not null;
  $$;
revoke all on function forget_account from public;
grant execute on function forget_account to fusion_app;
