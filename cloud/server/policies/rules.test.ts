import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '@fusion/shared/contract/ids.ts'
import { setBudget } from '../../database/budgets.ts'
import type { Database } from '../../database/connection.ts'
import { createOrganisation } from '../../database/organisations.ts'
import { makeDatabase, type TestDatabase } from '../../database/testing/test-database.ts'
import { createRules } from './rules.ts'

let made: TestDatabase
beforeAll(async () => {
  made = await makeDatabase()
})
afterAll(() => made.close())

async function start() {
  const { id: organisationId } = await createOrganisation(made.database, 'Example')
  const caller = { userId: newId(), organisationId, role: 'member', sessionId: null, apiKeyId: null, scopes: [] } as const
  let now = 0
  let held: Promise<unknown> | undefined
  const database: Database = {
    ...made.database,
    async query<Row extends object>(text: string, values?: readonly unknown[]) {
      const rows = await made.database.query<Row>(text, values)
      await held
      return rows
    },
  }
  const rules = createRules({ database, now: () => now })
  return {
    /** What is read from now on comes when this is resolved. */
    hold: (until: Promise<unknown>) => void (held = until),
    at: (ms: number) => void (now = ms),
    /** Told by another server. */
    allow: (tokensAMonth: number) => setBudget(made.database, organisationId, { whose: 'organisation', of: null, tokensAMonth }),
    of: () => rules.of(caller),
    forget: () => rules.forget(organisationId),
    allowed: async () => (await rules.of(caller)).budgets[0]?.tokensAMonth,
  }
}

test('rules of another server hold after 2 s at the latest, and a request waits for them only where none came for a second', async () => {
  const { at, allow, of, allowed } = await start()
  await allow(1)
  expect(await allowed()).toBe(1)
  await allow(2)
  at(999)
  expect(await allowed()).toBe(1)
  at(1_000)
  const old = of()
  // It does not wait for the new ones, which are read once behind it.
  expect(of()).toBe(old)
  expect((await old).budgets[0]?.tokensAMonth).toBe(1)
  await expect.poll(allowed).toBe(2)
  await allow(3)
  at(2_999)
  expect(await allowed()).toBe(2)
  await expect.poll(allowed).toBe(3)
  await allow(4)
  at(5_000)
  expect(await allowed()).toBe(4)
})

test('what was changed here while rules were read behind a request is not undone by them', async () => {
  const { at, hold, allow, of, forget, allowed } = await start()
  await allow(1)
  await of()
  at(1_500)
  const late = Promise.withResolvers<void>()
  hold(late.promise)
  await of()
  await allow(2)
  forget()
  const after = of()
  late.resolve()
  await after
  for (let time = 0; time < 20; time++) expect(await allowed()).toBe(2)
})
