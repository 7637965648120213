-- The role that answers requests. It owns nothing and bypasses nothing, so that row-level security holds it.
-- Roles are of the whole server, not of a database: another Fusion of this server may have made it.
do $$
begin
  if not exists (select from pg_roles where rolname = 'fusion_app') then
    create role fusion_app nologin nosuperuser nobypassrls nocreatedb nocreaterole;
  end if;
  execute format('grant fusion_app to %I', current_user);
end
$$;
grant usage on schema public to fusion_app;

-- Who asks, as each transaction says it (`set local fusion.user_id`); null where it says nobody, and then no row is shown.
create function fusion_user() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('fusion.user_id', true), '')::uuid;
