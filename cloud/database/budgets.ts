// How much an organisation lets be used, by whom and of what; and what was used of it.
import type { Queryable } from './connection.ts'

export interface Budget {
  /** Of all together, of each person or key that has none of its own, of one person or key, or of one model. */
  whose: 'organisation' | 'each-person' | 'person' | 'each-key' | 'key' | 'model'
  /** The id of the person or key, or the name of the model; null for the others. */
  of: string | null
  /** Read and written; null: as many as they like. At least one of the three is a number. */
  tokensAMinute: number | null
  tokensAMonth: number | null
  /** In millionths of the operator's currency. */
  moneyAMonth: number | null
}

const columns = `whose, coalesce(user_id::text, api_key_id::text, model) as of,
  tokens_a_minute as "tokensAMinute", tokens_a_month as "tokensAMonth", money_a_month as "moneyAMonth"`

export const listBudgets = (db: Queryable, organisationId: string): Promise<Budget[]> =>
  db.query<Budget>(`select ${columns} from budgets where organisation_id = $1 order by whose, of`, [organisationId])

/** Those that may hold for a request of this person, or of this key of theirs. */
export const findBudgets = (
  db: Queryable,
  { organisationId, userId, apiKeyId }: { organisationId: string; userId: string; apiKeyId: string | null },
): Promise<Budget[]> =>
  db.query<Budget>(
    `select ${columns} from budgets where organisation_id = $1
       and (whose in ('organisation', 'each-person', 'model') or user_id = $2 or ($3::uuid is not null and (whose = 'each-key' or api_key_id = $3)))`,
    [organisationId, userId, apiKeyId],
  )

/** Sets those of its limits that are named; a budget of which nothing is left is gone. */
export async function setBudget(
  tx: Queryable,
  organisationId: string,
  { whose, of, ...limits }: Pick<Budget, 'whose' | 'of'> & Partial<Budget>,
): Promise<void> {
  const place = [organisationId, whose, whose === 'person' ? of : null, whose === 'key' ? of : null, whose === 'model' ? of : null]
  const here =
    'organisation_id = $1 and whose = $2 and user_id is not distinct from $3 and api_key_id is not distinct from $4 and model is not distinct from $5'
  const [known] = await tx.query<Budget>(`select ${columns} from budgets where ${here} for update`, place)
  const { tokensAMinute, tokensAMonth, moneyAMonth } = { tokensAMinute: null, tokensAMonth: null, moneyAMonth: null, ...known, ...limits }
  if (tokensAMinute === null && tokensAMonth === null && moneyAMonth === null) {
    await tx.query(`delete from budgets where ${here}`, place)
    return
  }
  await tx.query(
    `insert into budgets (organisation_id, whose, user_id, api_key_id, model, tokens_a_minute, tokens_a_month, money_a_month)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (organisation_id, whose, user_id, api_key_id, model) do update
       set tokens_a_minute = excluded.tokens_a_minute, tokens_a_month = excluded.tokens_a_month, money_a_month = excluded.money_a_month`,
    [...place, tokensAMinute, tokensAMonth, moneyAMonth],
  )
}

export interface Used {
  tokens: number
  /** In millionths of the operator's currency. */
  cost: number
}

/**
 * What this organisation used since then: all of it, or what one of its people (`userId`) or one model made of it. Sums before `rowsFrom`, rows from
 * there on.
 */
export async function usedSince(
  db: Queryable,
  {
    organisationId,
    userId = null,
    model = null,
    since,
    rowsFrom,
  }: { organisationId: string; userId?: string | null; model?: string | null; since: Date; rowsFrom: Date },
): Promise<Used> {
  const [sum] = await db.query<Used>(
    `select coalesce(sum(prompt_tokens + completion_tokens), 0)::bigint as tokens, coalesce(sum(cost), 0)::bigint as cost
     from organisation_usage($1, $2, $3) where ($4::uuid is null or user_id = $4) and ($5::text is null or model = $5)`,
    [organisationId, since, rowsFrom, userId, model],
  )
  return sum!
}

/** What a key used since then. */
export async function usedByKey(db: Queryable, apiKeyId: string, since: Date): Promise<Used> {
  const [sum] = await db.query<Used>('select tokens, cost from key_usage($1, $2)', [apiKeyId, since])
  return sum!
}
