CREATE TABLE meta (name text primary key not null, value text not null) strict, without rowid;
CREATE TABLE folder (
  id text primary key not null,
  v integer not null default 0,
  name text not null, name_v integer not null default 0,
  priv text not null default 'auto' check (priv in ('auto', 'ask', 'local-only')), priv_v integer not null default 0,
  gone text check (gone in ('purged', 'barred')),
  seen integer not null default 0,
  round integer not null default 0,
  created_at integer not null
) strict, without rowid;
CREATE TABLE conv (
  key integer primary key not null,
  id text not null,
  v integer not null default 0,
  title text not null, title_v integer not null default 0,
  flag integer not null default 0 check (flag in (0, 1)), flag_v integer not null default 0,
  folder text, folder_v integer not null default 0,
  head text, head_v integer not null default 0,
  model text, model_v integer not null default 0,
  system_prompt text, system_prompt_v integer not null default 0,
  sampling text not null default '{}', sampling_v integer not null default 0,
  keep_state integer not null default 1 check (keep_state in (0, 1)), keep_state_v integer not null default 0,
  life text not null default 'live' check (life in ('live', 'trash')), life_v integer not null default 0, life_back integer,
  priv text not null default 'auto' check (priv in ('auto', 'ask', 'local-only')), priv_v integer not null default 0,
  gone text check (gone in ('purged', 'barred')),
  seen integer not null default 0,
  round integer not null default 0,
  created_at integer not null,
  updated_at integer not null
) strict;
CREATE UNIQUE INDEX conv_id on conv (id);
CREATE INDEX conv_folder on conv (folder) where folder is not null;
CREATE TABLE msg (
  seq integer primary key not null,
  pieces integer not null,
  id text not null,
  conv integer not null references conv (key),
  parent text,
  role text not null check (role in ('user', 'assistant')),
  status text not null check (status in ('growing', 'complete', 'stopped', 'failed')),
  body text not null,
  v integer not null default 0,
  gen text,
  author text,
  round integer not null default 0,
  created_at integer not null
) strict;
CREATE UNIQUE INDEX msg_id on msg (id);
CREATE INDEX msg_tree on msg (conv, seq, id, parent, role);
CREATE INDEX msg_parent on msg (parent) where parent is not null;
CREATE INDEX msg_growing on msg (seq) where status = 'growing';
CREATE TABLE growth (
  number integer primary key not null,
  msg integer not null references msg (seq),
  part text not null check (part in ('text', 'reasoning')),
  text text not null
, event integer) strict;
CREATE INDEX growth_msg on growth (msg);
CREATE TABLE draft (
  conversation_id text primary key not null,
  draft text,
  settings text,
  updated_at integer not null
) strict, without rowid;
CREATE TABLE attachment (
  hash text not null,
  text text not null,
  bytes integer not null,
  created_at integer not null
) strict;
CREATE UNIQUE INDEX attachment_hash on attachment (hash);
CREATE TABLE msg_attachment (
  msg integer not null references msg (seq),
  hash text not null,
  primary key (msg, hash)
) strict, without rowid;
CREATE INDEX msg_attachment_hash on msg_attachment (hash);
CREATE TABLE draft_attachment (
  conversation_id text not null references draft (conversation_id),
  hash text not null,
  primary key (conversation_id, hash)
) strict, without rowid;
CREATE INDEX draft_attachment_hash on draft_attachment (hash);
CREATE TABLE setting (name text primary key not null, value text not null) strict, without rowid;
CREATE TABLE model (
  id text primary key not null,
  path text not null,
  file text not null,
  source text not null check (source in ('bundled', 'found', 'added')),
  bytes integer not null,
  mtime_ms real not null
) strict, without rowid;
CREATE TABLE state (
  conversation_id text not null,
  model_id text not null,
  file text not null,
  bytes integer not null,
  tokens integer not null,
  used_at integer not null,
  primary key (conversation_id, model_id)
) strict, without rowid;
CREATE TABLE notice (id text primary key not null, failure text not null, at integer not null) strict, without rowid;
CREATE TABLE sync (
  one integer primary key not null check (one = 1),
  server text, epoch text, cursor integer, stamp text, head text, top integer,
  phase text check (phase in ('snap', 'log')), snap text, resync integer, round integer,
  client text, replaces text, nonce text, next_number integer, done integer, done_chain text
) strict;
CREATE TABLE outbox (number integer primary key not null, mutation text not null, chain text not null) strict;
CREATE TABLE stage (number integer primary key not null, kind text not null, id text not null, row text not null) strict;
CREATE TABLE kept (conversation_id text primary key not null) strict, without rowid;
CREATE TABLE aside (number integer primary key not null, mutation text not null, reason text not null, at integer not null) strict;
CREATE TABLE search_word (word text primary key not null, uses integer not null) strict, without rowid;
CREATE TABLE search_todo (row integer primary key not null) strict;
CREATE VIRTUAL TABLE msg_search using fts5 (words, content = '', columnsize = 0, tokenize = 'ascii');
CREATE VIRTUAL TABLE title_search using fts5 (words, content = '', columnsize = 0, tokenize = 'ascii');
CREATE TABLE api_key (
  id text primary key not null,
  name text not null,
  hash text not null,
  hint text not null,
  cloud integer not null check (cloud in (0, 1)),
  created_at integer not null,
  used_at integer
) strict, without rowid;
CREATE UNIQUE INDEX api_key_hash on api_key (hash);
