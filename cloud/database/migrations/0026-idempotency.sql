-- Writes that were asked for under a key of the client's, and how they were answered: asked again, the answer is given again. For a day.
create table idempotency_keys (
  user_id uuid not null references users on delete cascade,
  key text not null check (char_length(key) between 1 and 200),
  -- SHA-256 of method, address and body: the same key with another request is refused.
  request_hash bytea not null,
  -- Null: it is being worked on, or its server died.
  status smallint,
  -- Sealed by a key that is not in this database: some answers hold what is shown only once.
  answer bytea,
  -- Whoever works on it has so long.
  lease_until timestamptz not null,
  created_at timestamptz not null default now(),
  primary key (user_id, key)
);
create index idempotency_keys_created on idempotency_keys (created_at);
alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
create policy own on idempotency_keys to fusion_app using (user_id = fusion_user()) with check (user_id = fusion_user());
-- The owner of the function below.
create policy tended on idempotency_keys to current_user using (true);
grant select, insert, update, delete on idempotency_keys to fusion_app;

-- A day is what was promised; some thousand at a time.
create function forget_idempotency_keys() returns integer
  language sql security definer set search_path = pg_catalog, public, pg_temp
  as $$
    with gone as (
      delete from idempotency_keys where ctid in (select ctid from idempotency_keys where created_at < now() - interval '1 day' limit 5000) returning 1
    )
    select count(*)::integer from gone
  $$;
revoke all on function forget_idempotency_keys from public;
grant execute on function forget_idempotency_keys to fusion_app;
