import { Client } from 'pg'

/** In which tables there are rows of this person, as the owner of the tables sees them. */
export async function tablesWith(url: string, userId: string): Promise<string[]> {
  const owner = new Client({ connectionString: url })
  await owner.connect()
  const { rows: tables } = await owner.query<{ name: string; column: string }>(
    `select t.relname as name, a.attname as column from pg_class t join pg_attribute a on a.attrelid = t.oid
     where t.relkind in ('r', 'p') and t.relnamespace = 'public'::regnamespace and not t.relispartition
       and (a.attname = 'user_id' or (t.relname = 'users' and a.attname = 'id')) order by 1`,
  )
  const found: string[] = []
  for (const { name, column } of tables) {
    // Row-level security holds the owner as well, where it was forced.
    await owner.query(`begin; alter table ${name} no force row level security`)
    const { rows } = await owner.query(`select 1 from ${name} where ${column} = $1 limit 1`, [userId])
    await owner.query('rollback')
    if (rows.length > 0) found.push(name)
  }
  await owner.end()
  return found
}
