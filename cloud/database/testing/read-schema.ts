import type { Client } from 'pg'

/** The schema as text for a snapshot: tables with columns, constraints, indexes, policies and grants, then functions. Not the partitions, whose names are of a month. */
export async function readSchema(owner: Client): Promise<string> {
  const tables = await lines(
    owner,
    `select c.oid, c.relname as name, c.relrowsecurity as row_security, c.relforcerowsecurity as forced, pg_get_partkeydef(c.oid) as partitioned
     from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by c.relname`,
  )
  const parts: string[] = []
  for (const { oid, name, row_security, forced, partitioned } of tables) {
    const columns = await text(
      owner,
      `select concat('  ', attname, ' ', format_type(atttypid, atttypmod), case when attnotnull then ' not null' end, ' default ' || pg_get_expr(adbin, adrelid)) as text
       from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
       where attrelid = $1 and attnum > 0 and not attisdropped order by attnum`,
      oid,
    )
    const constraints = await text(
      owner,
      `select concat('  ', conname, ' ', pg_get_constraintdef(oid)) as text from pg_constraint where conrelid = $1 and contype <> 'n' order by conname`,
      oid,
    )
    const indexes = await text(
      owner,
      `select pg_get_indexdef(indexrelid) as text from pg_index where indrelid = $1 and not indisprimary order by 1`,
      oid,
    )
    const policies = await text(
      owner,
      `select concat('policy ', polname, ' for ', polcmd, ' to ', (select string_agg(rolname, ', ' order by rolname) from pg_roles where oid = any(polroles)),
         ' using ', pg_get_expr(polqual, polrelid), ' with check ' || pg_get_expr(polwithcheck, polrelid)) as text
       from pg_policy where polrelid = $1 order by polname`,
      oid,
    )
    const grants = await text(
      owner,
      `select concat('grant ', string_agg(lower(privilege_type), ', ' order by privilege_type), ' to ', grantee) as text
       from information_schema.role_table_grants where table_schema = 'public' and table_name = $1 and grantee like 'fusion%' and grantee <> 'fusion_owner'
       group by grantee order by grantee`,
      name,
    )
    const security = row_security ? [`row level security${forced ? ', forced' : ''}`] : []
    parts.push(
      [
        `table ${name}${partitioned ? ` partition by ${partitioned}` : ''}`,
        ...columns,
        ...constraints,
        ...indexes,
        ...security,
        ...policies,
        ...grants,
      ].join('\n'),
    )
  }
  const functions = await text(
    owner,
    `select concat(pg_get_functiondef(oid), E'\\nexecute: ', coalesce((select string_agg(coalesce(rolname, 'public'), ', ' order by rolname)
       from aclexplode(proacl) left join pg_roles on pg_roles.oid = grantee where coalesce(rolname, '') <> 'fusion_owner'), 'public')) as text
     from pg_proc where pronamespace = 'public'::regnamespace and prokind = 'f' order by proname`,
  )
  return `${[...parts, ...functions.map(definition => definition.trimEnd())].join('\n\n')}\n`
}

async function lines(owner: Client, sql: string, ...values: unknown[]): Promise<Record<string, string>[]> {
  return (await owner.query<Record<string, string>>(sql, values)).rows
}

async function text(owner: Client, sql: string, ...values: unknown[]): Promise<string[]> {
  return (await lines(owner, sql, ...values)).map(row => row['text']!)
}
