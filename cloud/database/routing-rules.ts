import type { Queryable } from './connection.ts'

export interface RoutingRules {
  /** The most that a million tokens may cost; null: any price. */
  dearest: number | null
  /** Names of models: the first is liked best. */
  preferred: string[]
}

/** What an organisation says of models that are chosen for it; where it says nothing, any will do. */
export async function findRoutingRules(db: Queryable, organisationId: string): Promise<RoutingRules> {
  const [found] = await db.query<RoutingRules>('select dearest, preferred from routing_rules where organisation_id = $1', [organisationId])
  return found ?? { dearest: null, preferred: [] }
}

export async function setRoutingRules(tx: Queryable, organisationId: string, { dearest, preferred }: RoutingRules): Promise<void> {
  await tx.query(
    `insert into routing_rules (organisation_id, dearest, preferred) values ($1, $2, $3)
     on conflict (organisation_id) do update set dearest = excluded.dearest, preferred = excluded.preferred`,
    [organisationId, dearest, preferred],
  )
}
