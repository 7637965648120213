-- Who may come in, and what they came in with. Reference tables: small, of organisations and people, not of what people write.
-- Of codes, tokens and links only hashes are kept. Clocks of the server are passed in, so that no row is judged by two of them.

create table organisations (
  id uuid primary key,
  name text not null check (char_length(name) between 1 and 200),
  -- What every prompt of its people begins with.
  system_prompt text check (char_length(system_prompt) <= 100000),
  created_at timestamptz not null default now()
);

create table users (
  id uuid primary key,
  organisation_id uuid not null references organisations,
  email text not null check (char_length(email) between 3 and 320),
  name text not null check (char_length(name) between 1 and 200),
  role text not null check (role in ('member', 'admin', 'auditor')),
  -- argon2id; null: this person signs in elsewhere.
  password_hash text,
  disabled_at timestamptz,
  created_at timestamptz not null default now()
);
create unique index users_email on users (lower(email));
create index users_organisation on users (organisation_id, id);

-- A device that is signed in. Its refresh tokens are derived from refresh_salt, the counter and a key that is not in this database.
create table sessions (
  id uuid primary key,
  user_id uuid not null references users on delete cascade,
  client_id text not null,
  device_name text not null check (char_length(device_name) <= 100),
  refresh_salt bytea not null,
  refresh_counter integer not null default 0,
  refreshed_at timestamptz not null,
  created_at timestamptz not null,
  last_used_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index sessions_user on sessions (user_id, id);
create index sessions_expiry on sessions (expires_at);

-- Keys that access tokens are signed with: published before they sign, kept until the last token of them has expired.
create table signing_keys (
  id text primary key,
  public_key jsonb not null,
  -- Encrypted, with the id bound to it, by a key that is not in this database.
  private_key bytea not null,
  signs_from timestamptz not null,
  signs_until timestamptz not null,
  created_at timestamptz not null
);

create table authorization_codes (
  hash bytea primary key,
  user_id uuid not null references users on delete cascade,
  client_id text not null,
  redirect_uri text not null,
  code_challenge text not null,
  device_name text not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  -- What it gave: ended when the code comes a second time.
  session_id uuid
);
create index authorization_codes_expiry on authorization_codes (expires_at);

create table device_codes (
  hash bytea primary key,
  user_code text not null unique,
  client_id text not null,
  device_name text not null,
  interval_seconds integer not null,
  polled_at timestamptz,
  expires_at timestamptz not null,
  -- Who confirmed it.
  user_id uuid references users on delete cascade,
  refused_at timestamptz,
  used_at timestamptz
);
create index device_codes_expiry on device_codes (expires_at);

-- A link by which somebody makes an account. Without an organisation: the one of the first admin, who makes the organisation as well.
create table invitations (
  id uuid primary key,
  hash bytea not null unique,
  organisation_id uuid references organisations,
  role text not null check (role in ('member', 'admin', 'auditor')),
  -- The address it is for; null: whoever has the link.
  email text check (char_length(email) between 3 and 320),
  invited_by uuid references users on delete set null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  used_by uuid references users on delete set null
);
create index invitations_organisation on invitations (organisation_id, id);

-- Failed sign-ins, by a hash of what was tried: the account, the address, both together.
create table sign_in_attempts (
  key bytea primary key,
  failures integer not null,
  failed_at timestamptz not null
);
create index sign_in_attempts_time on sign_in_attempts (failed_at);

grant select, insert, update on organisations to fusion_app;
grant select, insert, update, delete on users, sessions, signing_keys, authorization_codes, device_codes, invitations, sign_in_attempts
  to fusion_app;
