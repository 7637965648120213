-- The usage ledger: what models were asked for, by whom, and how it ended. Numbers and ids, never what people write.

create table usage (
  user_id uuid not null,
  -- When the request began, as the server that answers it has kept it: however often a row is written again, and on whichever side of the end
  -- of a month, it is the same row in the same partition. So the key, which holds within a partition, settles a request once.
  at timestamptz not null,
  -- Of an answer of the app: its id. Any other gets one when it comes.
  request_id uuid not null,
  organisation_id uuid not null,
  -- Null: it was no program's.
  api_key_id uuid,
  kind text not null check (kind in ('chat', 'chat-completion', 'completion', 'response', 'embedding')),
  -- 'none' where no server has it: a name that somebody made up is not kept.
  model text not null,
  -- Host and port; null where none was reached.
  server text,
  ended text not null check (ended in ('complete', 'stopped', 'failed')),
  prompt_tokens bigint not null check (prompt_tokens >= 0),
  -- Of the prompt's.
  cached_tokens bigint not null check (cached_tokens between 0 and prompt_tokens),
  completion_tokens bigint not null check (completion_tokens >= 0),
  duration_ms bigint not null check (duration_ms >= 0),
  -- By this database, and later than `at`: after the end, or when the database was back. Sums are made again of the hours that got rows.
  written_at timestamptz not null default now(),
  primary key (user_id, at, request_id)
) partition by range (at);
create index usage_organisation on usage (organisation_id, at);
-- Rows come in the order of both.
create index usage_at on usage using brin (at);
create index usage_written on usage using brin (written_at);

-- What is of no month that was made: no row is ever refused.
create table usage_rest partition of usage default;
-- Asked through `usage` alone, whose policies hold then.
alter table usage_rest enable row level security;

-- Sums by hour, for spans that are too long to be added up row by row.
create table usage_hours (
  organisation_id uuid not null,
  hour timestamptz not null,
  user_id uuid not null,
  model text not null,
  requests bigint not null,
  stopped bigint not null,
  failed bigint not null,
  prompt_tokens bigint not null,
  cached_tokens bigint not null,
  completion_tokens bigint not null,
  primary key (organisation_id, hour, user_id, model)
);

-- One row: what was written before this is in the sums.
create table usage_rolled_up (
  one_row boolean primary key default true check (one_row),
  until timestamptz not null
);
insert into usage_rolled_up (until) values ('-infinity');

alter table usage enable row level security;
alter table usage force row level security;
alter table usage_hours enable row level security;
alter table usage_hours force row level security;
alter table usage_rolled_up enable row level security;
alter table usage_rolled_up force row level security;
create policy own on usage to fusion_app using (user_id = fusion_user()) with check (user_id = fusion_user());
-- The owner of the functions below, which add up what everybody used.
create policy tended on usage to current_user using (true);
create policy tended on usage_hours to current_user using (true);
create policy tended on usage_rolled_up to current_user using (true);
-- Nothing that was written is changed or taken out.
grant select, insert on usage to fusion_app;

-- Partitions of the month of this moment and of the next two, by UTC. Rows that came before their month was made move into it.
create function ensure_usage_partitions(moment timestamptz) returns text[]
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp set lock_timeout = '2s'
  as $$
    declare
      made text[] := '{}';
      name text;
      begins timestamptz;
      ends timestamptz;
    begin
      if not pg_try_advisory_xact_lock(4320002) then
        return made;
      end if;
      for month in 0..2 loop
        begins := (date_trunc('month', moment at time zone 'UTC') + make_interval(months => month)) at time zone 'UTC';
        ends := (date_trunc('month', moment at time zone 'UTC') + make_interval(months => month + 1)) at time zone 'UTC';
        name := 'usage_' || to_char(begins at time zone 'UTC', 'YYYY_MM');
        continue when to_regclass('public.' || name) is not null;
        execute format('create table public.%I (like public.usage including all)', name);
        -- Until it is there nobody writes to the rest, where a row of this month would keep it from being there.
        lock table public.usage_rest in access exclusive mode;
        execute format('alter table public.%I enable row level security', name);
        execute format('with moved as (delete from public.usage_rest where at >= %L and at < %L returning *) insert into public.%I select * from moved', begins, ends, name);
        execute format('alter table public.usage attach partition public.%I for values from (%L) to (%L)', name, begins, ends);
        made := made || name;
      end loop;
      return made;
    end
  $$;

-- Makes the sums of all hours that rows were written for since the last time, whole, from the rows: doing it twice changes nothing.
create function roll_up_usage() returns integer
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp set timezone = 'UTC'
  as $$
    declare
      since timestamptz;
      changed timestamptz;
      hours integer := 0;
    begin
      if not pg_try_advisory_xact_lock(4320003) then
        return 0;
      end if;
      -- A transaction that began before the last time may have ended after it; none lives longer than 15 s.
      select until - interval '5 minutes' into since from usage_rolled_up;
      for changed in select distinct date_trunc('hour', at) from usage where written_at >= since loop
        insert into usage_hours
          select organisation_id, changed, user_id, model, count(*),
            count(*) filter (where ended = 'stopped'), count(*) filter (where ended = 'failed'),
            sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens)
          from usage where at >= changed and at < changed + interval '1 hour'
          group by organisation_id, user_id, model
          on conflict (organisation_id, hour, user_id, model) do update set
            requests = excluded.requests, stopped = excluded.stopped, failed = excluded.failed, prompt_tokens = excluded.prompt_tokens,
            cached_tokens = excluded.cached_tokens, completion_tokens = excluded.completion_tokens;
        hours := hours + 1;
      end loop;
      update usage_rolled_up set until = now();
      return hours;
    end
  $$;

-- What one organisation used since a moment, by person and model: sums of whole hours before `rows_from`, rows from there on.
-- Whoever calls this has seen that they may ask for this organisation.
create function organisation_usage(organisation uuid, since timestamptz, rows_from timestamptz)
  returns table (user_id uuid, model text, requests bigint, stopped bigint, failed bigint, prompt_tokens bigint, cached_tokens bigint, completion_tokens bigint)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
  as $$
    select used.user_id, used.model, sum(used.requests)::bigint, sum(used.stopped)::bigint, sum(used.failed)::bigint,
      sum(used.prompt_tokens)::bigint, sum(used.cached_tokens)::bigint, sum(used.completion_tokens)::bigint
    from (
      select h.user_id, h.model, h.requests, h.stopped, h.failed, h.prompt_tokens, h.cached_tokens, h.completion_tokens
      from usage_hours h
      where h.organisation_id = organisation and h.hour >= since and h.hour < rows_from
      union all
      select u.user_id, u.model, 1, (u.ended = 'stopped')::integer, (u.ended = 'failed')::integer,
        u.prompt_tokens, u.cached_tokens, u.completion_tokens
      from usage u
      where u.organisation_id = organisation and u.at >= greatest(since, rows_from)
    ) used
    group by used.user_id, used.model
  $$;

revoke all on function ensure_usage_partitions, roll_up_usage, organisation_usage from public;
grant execute on function ensure_usage_partitions, roll_up_usage, organisation_usage to fusion_app;
