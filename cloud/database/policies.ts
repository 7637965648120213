// What an organisation allows its people, and how much they used of it.
import type { Queryable } from './connection.ts'

export interface Policy {
  /** Null: every model of this cloud. */
  models: string[] | null
  maskingRequired: boolean
}

export interface Budgets {
  /** Tokens a month, read and written; null: as many as they like. */
  organisation: number | null
  eachPerson: number | null
}

export interface RulesOfPerson extends Policy {
  systemPrompt: string | null
  budgets: { organisation: number | null; person: number | null }
}

/** What holds for this person now. */
export async function findRules(
  db: Queryable,
  { organisationId, userId }: { organisationId: string; userId: string },
): Promise<RulesOfPerson> {
  const [found] = await db.query<Omit<RulesOfPerson, 'budgets'> & { organisation: number | null; person: number | null }>(
    `select o.system_prompt as "systemPrompt", p.models, coalesce(p.masking_required, false) as "maskingRequired",
       (select tokens_a_month from budgets b where b.organisation_id = o.id and whose = 'organisation') as organisation,
       coalesce((select tokens_a_month from budgets b where b.organisation_id = o.id and whose = 'person' and user_id = $2),
         (select tokens_a_month from budgets b where b.organisation_id = o.id and whose = 'each-person')) as person
     from organisations o left join policies p on p.organisation_id = o.id where o.id = $1`,
    [organisationId, userId],
  )
  const { organisation = null, person = null, ...rest } = found ?? { systemPrompt: null, models: null, maskingRequired: false }
  return { ...rest, budgets: { organisation, person } }
}

export async function findPolicy(db: Queryable, organisationId: string): Promise<Policy & { budgets: Budgets }> {
  const [found] = await db.query<Policy & Budgets>(
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

/** `tokens` null: none any more. */
export async function setBudget(
  tx: Queryable,
  {
    organisationId,
    whose,
    userId,
    tokens,
  }: { organisationId: string; whose: 'organisation' | 'each-person' | 'person'; userId?: string; tokens: number | null },
): Promise<void> {
  const of = [organisationId, whose, userId ?? null]
  if (tokens === null) {
    await tx.query('delete from budgets where organisation_id = $1 and whose = $2 and user_id is not distinct from $3', of)
    return
  }
  await tx.query(
    `insert into budgets (organisation_id, whose, user_id, tokens_a_month) values ($1, $2, $3, $4)
     on conflict (organisation_id, whose, user_id) do update set tokens_a_month = excluded.tokens_a_month`,
    [...of, tokens],
  )
}

/** Tokens that this organisation, or (`userId`) one of its people, read and wrote since then; sums before `rowsFrom`, rows from there on. */
export async function tokensSince(
  db: Queryable,
  { organisationId, userId, since, rowsFrom }: { organisationId: string; userId: string | null; since: Date; rowsFrom: Date },
): Promise<number> {
  const [sum] = await db.query<{ tokens: number }>(
    `select coalesce(sum(prompt_tokens + completion_tokens), 0)::bigint as tokens from organisation_usage($1, $2, $3)
     where $4::uuid is null or user_id = $4`,
    [organisationId, since, rowsFrom, userId],
  )
  return sum!.tokens
}
