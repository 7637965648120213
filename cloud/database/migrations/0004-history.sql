-- What people write: their conversations and messages, ordered by versions that the server gives (the sync protocol). All of it is keyed by
-- user_id first, and shown and taken only as `fusion_user()`, also to the owner of the tables.

-- One row per user, locked from the first statement of a write to its commit: so versions are given in the order of commits.
create table spaces (
  user_id uuid primary key references users on delete cascade,
  epoch uuid not null default gen_random_uuid(),
  -- line × 2^32 + n, below 2^53: JavaScript counts with it.
  version bigint not null default 0 check (version between 0 and 9007199254740991),
  disabled boolean not null default false
);

-- Each version has a random stamp, by which a restored server is noticed even when its numbers look right.
create table stamps (
  user_id uuid not null references spaces on delete cascade,
  version bigint not null,
  stamp text not null default left(md5(gen_random_uuid()::text), 16),
  primary key (user_id, version)
);

-- `*_v`: the version that gave a field its value; 0: nobody has. Purged or barred, a row is its id, v, gone and seen, and is kept for good.
create table conversations (
  user_id uuid not null references spaces on delete cascade,
  id uuid not null,
  v bigint not null,
  title text check (char_length(title) between 1 and 200),
  title_v bigint not null default 0,
  pinned boolean not null default false,
  pinned_v bigint not null default 0,
  folder_id uuid,
  folder_v bigint not null default 0,
  head_id uuid,
  head_v bigint not null default 0,
  model_id text check (char_length(model_id) <= 200),
  model_v bigint not null default 0,
  system_prompt text check (char_length(system_prompt) <= 100000),
  system_prompt_v bigint not null default 0,
  sampling json not null default '{}',
  sampling_v bigint not null default 0,
  keep_state boolean not null default true,
  keep_state_v bigint not null default 0,
  life text not null default 'live' check (life in ('live', 'trash')),
  life_v bigint not null default 0,
  -- A message that was not seen brought it back from the trash.
  life_back boolean not null default false,
  -- What is local-only is never here: it is barred.
  privacy text not null default 'auto' check (privacy in ('auto', 'ask')),
  privacy_v bigint not null default 0,
  gone text check (gone in ('purged', 'barred')),
  seen bigint not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (user_id, id),
  constraint gone_is_empty check (gone is null or (
    title is null and folder_id is null and head_id is null and model_id is null and system_prompt is null
    and sampling::text = '{}'
  ))
);
create index conversations_newest on conversations (user_id, updated_at desc, id desc) where gone is null;
create index conversations_log on conversations (user_id, v, id);

-- Immutable. The body is json and not jsonb, which refuses text with U+0000 or half a surrogate pair: people paste both.
create table messages (
  user_id uuid not null,
  id uuid not null,
  conversation_id uuid not null,
  -- May name a message that is not here (yet).
  parent_id uuid,
  role text not null check (role in ('user', 'assistant')),
  status text not null check (status in ('complete', 'stopped', 'failed')),
  body json not null,
  -- By the clock of its author: shown, never decided by.
  created_at timestamptz not null,
  v bigint not null,
  generation_id uuid,
  -- The client that wrote it; null: a program, or the cloud itself.
  client_id uuid,
  primary key (user_id, id),
  foreign key (user_id, conversation_id) references conversations on delete cascade
);
create index messages_newest on messages (user_id, conversation_id, v desc, id desc);
create index messages_log on messages (user_id, v, id);
create index messages_generation on messages (user_id, generation_id) where generation_id is not null;

-- A device of the sync protocol: what it was last seen to have pushed.
create table clients (
  user_id uuid not null references spaces on delete cascade,
  id uuid not null,
  last bigint not null default 0,
  chain text not null default '',
  refused json not null default '[]',
  retired boolean not null default false,
  primary key (user_id, id)
);

do $$
declare name text;
begin
  foreach name in array array['spaces', 'stamps', 'conversations', 'messages', 'clients'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy own on %I to fusion_app using (user_id = fusion_user()) with check (user_id = fusion_user())', name);
    execute format('grant select, insert, update, delete on %I to fusion_app', name);
  end loop;
end
$$;

-- Takes the lock of the space of the user who asks, which is made where there is none, and tells its version.
create function lock_space() returns bigint language plpgsql as $$
declare now_at bigint; closed boolean;
begin
  select version, disabled into now_at, closed from spaces where user_id = fusion_user() for update;
  if not found then
    insert into spaces (user_id) values (fusion_user()) on conflict do nothing;
    select version, disabled into now_at, closed from spaces where user_id = fusion_user() for update;
  end if;
  if closed then
    raise exception 'this space is disabled' using errcode = 'FU001';
  end if;
  return now_at;
end
$$;

-- The next version, with its stamp; `lock_space` comes first.
create function take_version() returns bigint language plpgsql as $$
declare taken bigint;
begin
  update spaces set version = version + 1 where user_id = fusion_user() returning version into taken;
  insert into stamps (user_id, version) values (fusion_user(), taken);
  return taken;
end
$$;
