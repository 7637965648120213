// What an organisation allows its people.
import type { Queryable } from './connection.ts'

export interface Policy {
  /** Null: every model of this cloud. */
  models: string[] | null
  maskingRequired: boolean
}

export interface RulesOfPerson extends Policy {
  systemPrompt: string | null
}

/** What holds for the people of this organisation now. */
export async function findRules(db: Queryable, organisationId: string): Promise<RulesOfPerson> {
  const [found] = await db.query<RulesOfPerson>(
    `select o.system_prompt as "systemPrompt", p.models, coalesce(p.masking_required, false) as "maskingRequired"
     from organisations o left join policies p on p.organisation_id = o.id where o.id = $1`,
    [organisationId],
  )
  return found ?? { systemPrompt: null, models: null, maskingRequired: false }
}

/** Tokens a month, read and written; null: as many as they like. */
interface TokenBudgets {
  organisation: number | null
  eachPerson: number | null
}

export async function findPolicy(db: Queryable, organisationId: string): Promise<Policy & { budgets: TokenBudgets }> {
  const [found] = await db.query<Policy & TokenBudgets>(
    `select p.models, coalesce(p.masking_required, false) as "maskingRequired",
       (select tokens_a_month from budgets where organisation_id = $1 and whose = 'organisation') as organisation,
       (select tokens_a_month from budgets where organisation_id = $1 and whose = 'each-person') as "eachPerson"
     from (select 1) one left join policies p on p.organisation_id = $1`,
    [organisationId],
  )
  const { models, maskingRequired, organisation, eachPerson } = found!
  return { models, maskingRequired, budgets: { organisation, eachPerson } }
}

export async function setPolicy(tx: Queryable, organisationId: string, { models, maskingRequired }: Policy): Promise<void> {
  await tx.query(
    `insert into policies (organisation_id, models, masking_required) values ($1, $2, $3)
     on conflict (organisation_id) do update set models = excluded.models, masking_required = excluded.masking_required`,
    [organisationId, models, maskingRequired],
  )
}
