/** Keys of the local API: their hashes only. */
export const sql = `
create table api_key (
  id text primary key not null,
  name text not null,
  hash text not null,
  hint text not null,
  cloud integer not null check (cloud in (0, 1)),
  created_at integer not null,
  used_at integer
) strict, without rowid;
create unique index api_key_hash on api_key (hash);
`
