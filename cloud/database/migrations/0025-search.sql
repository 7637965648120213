-- The words of messages, for search. They are made by the server, by the same rules as on a desktop, when their person searches and not before:
-- whoever writes pays nothing for it.

-- Up to where the messages of a person were read in, in the order in which they came.
create table search_states (
  user_id uuid primary key references spaces on delete cascade,
  -- Of the rules that the words were made by; others begin anew.
  rules integer not null,
  v bigint not null,
  id uuid not null
);

create table message_words (
  user_id uuid not null,
  message_id uuid not null,
  -- Of a long message: pieces of some ten thousand characters, from 0 on.
  piece integer not null,
  -- Of the message: the order in which hits are told.
  v bigint not null,
  -- Each word begins with a mark of its person, so that a word of everybody's is looked up among one person's alone.
  words tsvector not null,
  primary key (user_id, message_id, piece),
  foreign key (user_id, message_id) references messages on delete cascade
);
create index message_words_words on message_words using gin (words);

do $$
declare name text;
begin
  foreach name in array array['search_states', 'message_words'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy own on %I to fusion_app using (user_id = fusion_user()) with check (user_id = fusion_user())', name);
    execute format('grant select, insert, update, delete on %I to fusion_app', name);
  end loop;
end
$$;
-- The owner of the function below.
create policy searched on message_words to current_user using (true);

-- Messages of whoever asks with all of these words, the newest first. As its owner: under row-level security the index would not be used, since
-- Postgres can't know that matching words tells nothing of rows that are hidden.
create function search_words(query tsquery, before_v bigint, before_id uuid, most integer) returns table (message_id uuid, v bigint, pieces integer[])
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
  as $$
    -- By the words first, which are this person's alone: the planner knows of neither, and might read all that a person ever wrote.
    with found as materialized (select w.user_id, w.message_id, w.v, w.piece from message_words w where w.words @@ query)
    select f.message_id, f.v, array_agg(f.piece order by f.piece) from found f
    where f.user_id = fusion_user() and (before_v is null or (f.v, f.message_id) < (before_v, before_id))
    group by f.v, f.message_id order by f.v desc, f.message_id desc limit most
  $$;
revoke all on function search_words from public;
grant execute on function search_words to fusion_app;
