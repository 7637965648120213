// The usage ledger: one row for each request that a model was asked for, written once and never changed, and the sums of it.
import type { UsageCounts } from '@fusion/shared/contract/cloud/usage.ts'
import type { Database, Queryable } from './connection.ts'

export interface UsageRow {
  userId: string
  organisationId: string
  apiKeyId: string | null
  /** With `at` it says which request this is: a row that is there already is not written again. */
  requestId: string
  kind: 'chat' | 'chat-completion' | 'completion' | 'response' | 'embedding'
  model: string
  server: string | null
  ended: 'complete' | 'stopped' | 'failed'
  promptTokens: number
  cachedTokens: number
  completionTokens: number
  /** Null: nothing was told of the model's price. */
  priceVersion: number | null
  /** In millionths of the operator's currency. */
  cost: number
  source: 'model' | 'cache' | 'shared'
  /** How often another server was asked. */
  retries: number
  /** When it began. */
  at: Date
  durationMs: number
}

/** Writes rows of the user whose transaction it is; those that are there already stay as they are. */
export async function addUsage(tx: Queryable, rows: readonly UsageRow[]): Promise<void> {
  await tx.query(
    `insert into usage (user_id, at, request_id, organisation_id, api_key_id, kind, model, server, ended, prompt_tokens, cached_tokens, completion_tokens,
       price_version, cost, source, retries, duration_ms)
     select * from jsonb_to_recordset($1::jsonb) as row("userId" uuid, at timestamptz, "requestId" uuid, "organisationId" uuid, "apiKeyId" uuid, kind text,
       model text, server text, ended text, "promptTokens" bigint, "cachedTokens" bigint, "completionTokens" bigint, "priceVersion" integer, cost bigint,
       source text, retries smallint, "durationMs" bigint)
     on conflict (user_id, at, request_id) do nothing`,
    [JSON.stringify(rows)],
  )
}

const counts = `sum(requests)::bigint as requests, sum(stopped)::bigint as stopped, sum(failed)::bigint as failed,
  sum(prompt_tokens)::bigint as "promptTokens", sum(cached_tokens)::bigint as "cachedTokens", sum(completion_tokens)::bigint as "completionTokens",
  sum(cost)::bigint as cost`

/** What the user of this transaction used since then, by day (UTC, `2026-01-31`) and model, the newest day first. */
export async function ownUsage(tx: Queryable, since: Date): Promise<({ day: string; model: string } & UsageCounts)[]> {
  return tx.query(
    `select to_char(at at time zone 'UTC', 'YYYY-MM-DD') as day, model, count(*) as requests,
       count(*) filter (where ended = 'stopped') as stopped, count(*) filter (where ended = 'failed') as failed,
       sum(prompt_tokens)::bigint as "promptTokens", sum(cached_tokens)::bigint as "cachedTokens", sum(completion_tokens)::bigint as "completionTokens",
       sum(cost)::bigint as cost
     from usage where user_id = fusion_user() and at >= $1 group by day, model order by day desc, model`,
    [since],
  )
}

export interface OrganisationUsage {
  totals: UsageCounts
  models: ({ model: string } & UsageCounts)[]
  people: ({ id: string; name: string; email: string } & UsageCounts)[]
}

/**
 * What an organisation used since then: all together, by model and by person, whoever used most first. Before `rowsFrom`, whole hours as they
 * were added up; from there on, the rows themselves.
 */
export async function organisationUsage(
  db: Queryable,
  { organisationId, since, rowsFrom }: { organisationId: string; since: Date; rowsFrom: Date },
): Promise<OrganisationUsage> {
  type Row = { model: string | null; id: string | null; name: string | null; email: string | null } & UsageCounts
  const [totals, ...parts] = await db.query<Row>(
    `with used as (
       select user_id, model, grouping(user_id) + grouping(model) as all_of, ${counts}
       from organisation_usage($1, $2, $3) group by grouping sets ((), (model), (user_id))
     )
     select used.model, used.user_id as id, users.name, users.email,
       coalesce(requests, 0) as requests, coalesce(stopped, 0) as stopped, coalesce(failed, 0) as failed,
       coalesce("promptTokens", 0) as "promptTokens", coalesce("cachedTokens", 0) as "cachedTokens", coalesce("completionTokens", 0) as "completionTokens",
       coalesce(cost, 0) as cost
     from used left join users on users.id = used.user_id and users.organisation_id = $1
     order by all_of desc, "promptTokens" + "completionTokens" desc, requests desc, model, users.email`,
    [organisationId, since, rowsFrom],
  )
  return {
    totals: countsOf(totals!),
    models: parts.flatMap(row => (row.model === null ? [] : [{ model: row.model, ...countsOf(row) }])),
    // Whoever is no longer there is told by their id alone.
    people: parts.flatMap(row => (row.id === null ? [] : [{ id: row.id, name: row.name ?? '', email: row.email ?? '', ...countsOf(row) }])),
  }
}

const countsOf = ({ requests, stopped, failed, promptTokens, cachedTokens, completionTokens, cost }: UsageCounts): UsageCounts => ({
  requests,
  stopped,
  failed,
  promptTokens,
  cachedTokens,
  completionTokens,
  cost,
})

/** Makes the partitions of this month and the next two; tells which were not there. One server at a time does, the others go on. */
export async function ensureUsagePartitions(database: Database, moment: Date): Promise<string[]> {
  const [row] = await database.query<{ made: string[] }>('select ensure_usage_partitions($1) as made', [moment])
  return row?.made ?? []
}

/** Adds up the hours that rows were written for since the last time, in steps. */
export async function rollUpUsage(database: Database): Promise<void> {
  for (let more = true; more;) {
    const [row] = await database.query<{ more: boolean }>('select roll_up_usage() as more')
    more = row?.more ?? false
  }
}
