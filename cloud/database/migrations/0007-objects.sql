-- Which files a person has: the bytes lie with the objects, under this person and this hash.
create table attachments (
  user_id uuid not null references users on delete cascade,
  hash bytea not null check (octet_length(hash) = 32),
  size bigint not null check (size >= 0),
  created_at timestamptz not null,
  -- Null: somebody was given an address to put it at, and nobody has seen it there yet.
  stored_at timestamptz,
  primary key (user_id, hash)
);
alter table attachments enable row level security;
alter table attachments force row level security;
create policy attachments_own on attachments using (user_id = fusion_user()) with check (user_id = fusion_user());
grant select, insert, update, delete on attachments to fusion_app;
