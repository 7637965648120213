import { newId } from '@fusion/shared/contract/ids.ts'
import type { Queryable } from './connection.ts'

export interface Organisation {
  id: string
  name: string
  systemPrompt: string | null
}

export async function createOrganisation(db: Queryable, name: string): Promise<Organisation> {
  const id = newId()
  await db.query('insert into organisations (id, name) values ($1, $2)', [id, name])
  return { id, name, systemPrompt: null }
}

export async function findOrganisation(db: Queryable, id: string): Promise<Organisation | undefined> {
  const [found] = await db.query<Organisation>('select id, name, system_prompt as "systemPrompt" from organisations where id = $1', [id])
  return found
}

/** What is undefined stays as it is. */
export async function changeOrganisation(
  db: Queryable,
  id: string,
  { name, systemPrompt }: { name?: string | undefined; systemPrompt?: string | null | undefined },
): Promise<Organisation | undefined> {
  const [changed] = await db.query<Organisation>(
    `update organisations set name = coalesce($2, name), system_prompt = case when $3 then $4 else system_prompt end
     where id = $1 returning id, name, system_prompt as "systemPrompt"`,
    [id, name ?? null, systemPrompt !== undefined, systemPrompt ?? null],
  )
  return changed
}

/** The one that was made first. */
export async function findFirstOrganisation(db: Queryable): Promise<Organisation | undefined> {
  const [found] = await db.query<Organisation>(
    'select id, name, system_prompt as "systemPrompt" from organisations order by created_at, id limit 1',
  )
  return found
}
