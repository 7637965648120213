-- An answer whose server died is taken over by another one: whose it is at a time stands with it, and only that server writes to it.

-- The server that makes it, by an id of its process.
alter table generations add column owner uuid;

drop function tend_generations(uuid[], uuid[], integer);
-- Renews the leases of what a server is making, and tells which of it was cancelled. What another one has taken over is not renewed.
create function tend_generations(users uuid[], ids uuid[], lease_seconds integer, me uuid default null) returns setof uuid[]
  language sql security definer set search_path = pg_catalog, public, pg_temp
  as $$
    update generations g set lease_until = now() + make_interval(secs => lease_seconds)
    from unnest(users, ids) as mine(user_id, id)
    where g.user_id = mine.user_id and g.id = mine.id and g.status = 'running' and (me is null or g.owner = me)
    returning case when g.cancel_requested then array[g.user_id, g.id] end
  $$;

drop function close_orphans(jsonb);
-- Takes some answers of servers that are dead: from now on they are this one's, to go on with or to close.
create function take_orphans(me uuid, lease_seconds integer)
  returns table (user_id uuid, id uuid, seq integer, model text, cancel_requested boolean)
  language sql security definer set search_path = pg_catalog, public, pg_temp
  as $$
    update generations g set owner = me, lease_until = now() + make_interval(secs => lease_seconds)
    where (g.user_id, g.id) in (
      select o.user_id, o.id from generations o where o.status = 'running' and o.lease_until < now() order by o.lease_until limit 20 for update skip locked
    )
    returning g.user_id, g.id, g.seq, g.model, g.cancel_requested
  $$;

revoke all on function tend_generations, take_orphans from public;
grant execute on function tend_generations, take_orphans to fusion_app;
