-- Budgets of keys and models as well, by the minute and in money; and what each request cost, by the price that held then.

alter table budgets
  drop constraint budgets_whose_check,
  drop constraint budgets_check,
  drop constraint budgets_organisation_id_whose_user_id_key,
  alter column tokens_a_month drop not null,
  add column api_key_id uuid references api_keys on delete cascade,
  add column model text,
  add column tokens_a_minute bigint check (tokens_a_minute > 0),
  -- In millionths of the operator's currency.
  add column money_a_month bigint check (money_a_month >= 0),
  -- Of all together, of each person or key that has none of its own, of one person or key, or of one model.
  add check (whose in ('organisation', 'each-person', 'person', 'each-key', 'key', 'model')),
  add check ((whose = 'person') = (user_id is not null)),
  add check ((whose = 'key') = (api_key_id is not null)),
  add check ((whose = 'model') = (model is not null)),
  add check (coalesce(tokens_a_month, tokens_a_minute, money_a_month) is not null),
  add unique nulls not distinct (organisation_id, whose, user_id, api_key_id, model);
create index budgets_api_key on budgets (api_key_id) where api_key_id is not null;

-- Prices as the operator told them, each from a moment on. Nothing is changed in it: what was paid for stays explained.
create table prices (
  version integer generated always as identity primary key,
  model text not null,
  -- Of a million tokens, in the operator's currency.
  prompt double precision not null check (prompt >= 0),
  completion double precision not null check (completion >= 0),
  since timestamptz not null default now()
);
create index prices_model on prices (model, version desc);
grant select, insert on prices to fusion_app;

alter table usage
  -- Null: nothing was told of the model's price.
  add column price_version integer,
  -- In millionths of the operator's currency.
  add column cost bigint not null default 0 check (cost >= 0),
  -- Made by a model, found in the cache of answers, or shared with a request that asked for the same at the same time.
  add column source text not null default 'model' check (source in ('model', 'cache', 'shared')),
  -- How often another server went on with it, or began anew.
  add column retries smallint not null default 0 check (retries >= 0);
create index usage_key on usage (api_key_id, at) where api_key_id is not null;
alter table usage_hours
  add column cost bigint not null default 0;

create or replace function roll_up_usage() returns boolean
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp set timezone = 'UTC'
  as $$
    declare
      done timestamptz;
      upto timestamptz;
      changed timestamptz;
    begin
      if not pg_try_advisory_xact_lock(4320003) then
        return false;
      end if;
      select until into done from usage_rolled_up;
      -- A transaction that began before the last time may have ended after it; none lives longer than 15 s.
      done := done - interval '5 minutes';
      select least(now(), coalesce(min(written_at), now()) + interval '1 hour') into upto from usage where written_at >= done;
      for changed in select distinct date_trunc('hour', at) from usage where written_at >= done and written_at <= upto loop
        insert into usage_hours (organisation_id, hour, user_id, model, requests, stopped, failed, prompt_tokens, cached_tokens, completion_tokens, cost)
          select organisation_id, changed, user_id, model, count(*),
            count(*) filter (where ended = 'stopped'), count(*) filter (where ended = 'failed'),
            sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens), sum(cost)
          from usage where at >= changed and at < changed + interval '1 hour'
          group by organisation_id, user_id, model
          on conflict (organisation_id, hour, user_id, model) do update set
            requests = excluded.requests, stopped = excluded.stopped, failed = excluded.failed, prompt_tokens = excluded.prompt_tokens,
            cached_tokens = excluded.cached_tokens, completion_tokens = excluded.completion_tokens, cost = excluded.cost;
      end loop;
      update usage_rolled_up set until = upto;
      return upto < now();
    end
  $$;

drop function organisation_usage(uuid, timestamptz, timestamptz);
-- What one organisation used since a moment, by person and model: sums of whole hours before `rows_from` as far as they were made, rows from there on.
-- Whoever calls this has seen that they may ask for this organisation.
create function organisation_usage(organisation uuid, since timestamptz, rows_from timestamptz)
  returns table (user_id uuid, model text, requests bigint, stopped bigint, failed bigint, prompt_tokens bigint, cached_tokens bigint,
    completion_tokens bigint, cost bigint)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp set timezone = 'UTC'
  as $$
    with split as materialized (select least(rows_from, date_trunc('hour', r.until)) as at from usage_rolled_up r)
    select used.user_id, used.model, sum(used.requests)::bigint, sum(used.stopped)::bigint, sum(used.failed)::bigint,
      sum(used.prompt_tokens)::bigint, sum(used.cached_tokens)::bigint, sum(used.completion_tokens)::bigint, sum(used.cost)::bigint
    from (
      select h.user_id, h.model, h.requests, h.stopped, h.failed, h.prompt_tokens, h.cached_tokens, h.completion_tokens, h.cost
      from usage_hours h
      where h.organisation_id = organisation and h.hour >= since and h.hour < (select at from split)
      union all
      select u.user_id, u.model, 1, (u.ended = 'stopped')::integer, (u.ended = 'failed')::integer,
        u.prompt_tokens, u.cached_tokens, u.completion_tokens, u.cost
      from usage u
      where u.organisation_id = organisation and u.at >= greatest(since, (select at from split))
    ) used
    group by used.user_id, used.model
  $$;

-- What one key used since a moment. Whoever calls this has seen whose key it is.
create function key_usage(key uuid, since timestamptz) returns table (tokens bigint, cost bigint)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp
  as $$
    select coalesce(sum(prompt_tokens + completion_tokens), 0)::bigint, coalesce(sum(u.cost), 0)::bigint
    from usage u where u.api_key_id = key and u.at >= since
  $$;

revoke all on function roll_up_usage, organisation_usage, key_usage from public;
grant execute on function roll_up_usage, organisation_usage, key_usage to fusion_app;
