-- Who a person is elsewhere, what their programs come in with, and what happened.

-- An account at an OpenID provider. The provider's own name for it, never the address, says who somebody is.
create table identities (
  issuer text not null check (char_length(issuer) <= 2000),
  subject text not null check (char_length(subject) <= 255),
  user_id uuid not null references users on delete cascade,
  created_at timestamptz not null,
  last_used_at timestamptz not null,
  primary key (issuer, subject)
);
create index identities_user on identities (user_id);

-- A sign-in that was begun at this cloud and goes on at the provider. Of what proves it only hashes are kept.
create table provider_sign_ins (
  state_hash bytea primary key,
  browser_hash bytea not null,
  -- The query of the page that it began at, where it goes on.
  return_query text not null check (char_length(return_query) <= 8000),
  expires_at timestamptz not null
);
create index provider_sign_ins_expiry on provider_sign_ins (expires_at);

create table api_keys (
  id uuid primary key,
  user_id uuid not null references users on delete cascade,
  name text not null check (char_length(name) between 1 and 100),
  -- SHA-256 of a secret of 32 random bytes.
  secret_hash bytea not null,
  scopes text[] not null check (cardinality(scopes) > 0),
  -- The key that this one took the place of.
  replaces uuid,
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  -- To the minute.
  last_used_at timestamptz
);
create index api_keys_user on api_keys (user_id, id);

-- What happened that matters for security: who, to whom, from where. Ids and addresses, never what people wrote.
-- Each row holds the hash of the one before it, made with a key that is not in this database. What belongs to no organisation, such as a
-- sign-in with an unknown address, is of the organisation of all zeros.
create table audit_events (
  organisation_id uuid not null,
  seq bigint not null,
  at timestamptz not null,
  event text not null,
  actor_id uuid,
  subject_id uuid,
  -- Network address of whoever did it.
  address text,
  detail jsonb not null,
  hash bytea not null,
  primary key (organisation_id, seq)
);
-- The newest link of each chain: whoever adds one holds it.
create table audit_heads (
  organisation_id uuid primary key,
  seq bigint not null,
  hash bytea not null
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_events_kept before update or delete on audit_events for each row execute function refuse_change();
create trigger audit_events_kept_whole before truncate on audit_events for each statement execute function refuse_change();
create trigger audit_heads_kept before delete on audit_heads for each row execute function refuse_change();
create trigger audit_heads_kept_whole before truncate on audit_heads for each statement execute function refuse_change();

grant select, insert, update, delete on identities, provider_sign_ins to fusion_app;
grant select, insert, update on api_keys, audit_heads to fusion_app;
grant select, insert on audit_events to fusion_app;
