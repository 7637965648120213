-- Sums of the ledger are made in steps of an hour of writing, so that a long pause is caught up with one bearable statement after the other.
drop function roll_up_usage();

-- The next step; true where there are more.
create function roll_up_usage() returns boolean
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
        insert into usage_hours
          select organisation_id, changed, user_id, model, count(*),
            count(*) filter (where ended = 'stopped'), count(*) filter (where ended = 'failed'),
            sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens)
          from usage where at >= changed and at < changed + interval '1 hour'
          group by organisation_id, user_id, model
          on conflict (organisation_id, hour, user_id, model) do update set
            requests = excluded.requests, stopped = excluded.stopped, failed = excluded.failed, prompt_tokens = excluded.prompt_tokens,
            cached_tokens = excluded.cached_tokens, completion_tokens = excluded.completion_tokens;
      end loop;
      update usage_rolled_up set until = upto;
      return upto < now();
    end
  $$;

-- What one organisation used since a moment, by person and model: sums of whole hours before `rows_from` as far as they were made, rows from there on.
-- Whoever calls this has seen that they may ask for this organisation.
create or replace function organisation_usage(organisation uuid, since timestamptz, rows_from timestamptz)
  returns table (user_id uuid, model text, requests bigint, stopped bigint, failed bigint, prompt_tokens bigint, cached_tokens bigint, completion_tokens bigint)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp set timezone = 'UTC'
  as $$
    with split as materialized (select least(rows_from, date_trunc('hour', r.until)) as at from usage_rolled_up r)
    select used.user_id, used.model, sum(used.requests)::bigint, sum(used.stopped)::bigint, sum(used.failed)::bigint,
      sum(used.prompt_tokens)::bigint, sum(used.cached_tokens)::bigint, sum(used.completion_tokens)::bigint
    from (
      select h.user_id, h.model, h.requests, h.stopped, h.failed, h.prompt_tokens, h.cached_tokens, h.completion_tokens
      from usage_hours h
      where h.organisation_id = organisation and h.hour >= since and h.hour < (select at from split)
      union all
      select u.user_id, u.model, 1, (u.ended = 'stopped')::integer, (u.ended = 'failed')::integer,
        u.prompt_tokens, u.cached_tokens, u.completion_tokens
      from usage u
      where u.organisation_id = organisation and u.at >= greatest(since, (select at from split))
    ) used
    group by used.user_id, used.model
  $$;

revoke all on function roll_up_usage from public;
grant execute on function roll_up_usage to fusion_app;
