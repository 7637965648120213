import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createOrganisation } from '../../database/organisations.ts'
import { makeDatabase, type TestDatabase } from '../../database/testing/test-database.ts'
import { createUser } from '../../database/users.ts'
import { createLocalAccounts, type LocalAccounts } from './local-accounts.ts'
import { createPasswords } from './password.ts'
import { networkOf } from './sign-in-limits.ts'

const argon2 = vi.hoisted(() => ({ verified: 0 }))
// The real one, counted.
vi.mock('@node-rs/argon2', async original => {
  const real = await original<typeof import('@node-rs/argon2')>()
  return { ...real, verify: (...args: Parameters<typeof real.verify>) => (argon2.verified++, real.verify(...args)) }
})

const PASSWORD = 'a long and quiet sentence'
const [HOME, ELSEWHERE] = ['192.0.2.1', '198.51.100.7']
let made: TestDatabase
let local: LocalAccounts
let now: number
beforeEach(async () => {
  made = await makeDatabase()
  now = Date.parse('2026-11-25T12:00:00Z')
  local = createLocalAccounts({ database: made.database, clock: () => now })
  const { id } = await createOrganisation(made.database, 'Example')
  const passwordHash = await createPasswords().hash(PASSWORD)
  await createUser(made.database, { organisationId: id, email: 'Ada@example.org', name: 'Ada', role: 'member', passwordHash })
  await createUser(made.database, { organisationId: id, email: 'oidc@example.org', name: 'Grace', role: 'member' })
})
afterEach(() => made.close())

const attempt = (password: string, { email = 'ada@example.org', address = HOME } = {}) =>
  local.signIn({ email, password, address }).then(
    user => user.name,
    (error: Error & { code: string; detail?: { seconds: number } }) => error.detail?.seconds ?? error.code,
  )

test('the right password names the person, however the address is written', async () => {
  expect(await attempt(PASSWORD, { email: ' ADA@Example.org ' })).toBe('Ada')
})

test('a wrong password, an unknown address and an account without a password cost the same work: one hash', async () => {
  const work = async (email: string, password: string) => {
    const before = argon2.verified
    return [await attempt(password, { email }), argon2.verified - before]
  }
  expect(await work('ada@example.org', PASSWORD)).toEqual(['Ada', 1])
  expect(await work('ada@example.org', 'wrong')).toEqual(['sign-in-wrong', 1])
  expect(await work('nobody@example.org', 'wrong')).toEqual(['sign-in-wrong', 1])
  expect(await work('oidc@example.org', 'wrong')).toEqual(['sign-in-wrong', 1])
})

test('after five failures each try waits longer, up to a quarter of an hour, and then the owner comes in', async () => {
  const waits: unknown[] = []
  for (let failures = 0; failures < 18; failures++) {
    const answer = await attempt('wrong')
    if (typeof answer === 'number') {
      waits.push(answer)
      now += answer * 1000
      await attempt('wrong')
    }
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900])
  expect(await attempt(PASSWORD)).toBe(900)
  now += 900_000
  expect(await attempt(PASSWORD)).toBe('Ada')
  expect(await attempt('wrong')).toBe('sign-in-wrong')
})

test('tries in a wait do not lengthen it', async () => {
  for (let failures = 0; failures < 5; failures++) await attempt('wrong')
  const wait = await attempt('wrong')
  for (let tries = 0; tries < 20; tries++) expect(await attempt('wrong')).toBe(wait)
})

test('a hundred tries at once are five', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, () => attempt('wrong')))
  expect(answers.filter(answer => answer === 'sign-in-wrong')).toHaveLength(5)
})

test('an address that tries many accounts has to wait, also for one that it did not try yet', async () => {
  for (let account = 0; account < 30; account++) await attempt('wrong', { email: `somebody-${account}@example.org`, address: ELSEWHERE })
  expect(await attempt(PASSWORD, { address: ELSEWHERE })).toBe(1)
  expect(await attempt(PASSWORD)).toBe('Ada')
})

test('whoever guesses at an account from many addresses holds up each for a minute at most, and its owner at home not at all', async () => {
  expect(await attempt(PASSWORD)).toBe('Ada')
  for (let address = 0; address < 60; address++) {
    await attempt('wrong', { address: `198.51.100.${address}` })
    now += 60_000
  }
  await attempt('wrong', { address: '203.0.113.1' })
  expect(await attempt(PASSWORD, { address: '203.0.113.2' })).toBe(60)
  expect(await attempt(PASSWORD)).toBe('Ada')
})

test('of an IPv6 address the network counts, of which one person has all', () => {
  expect(['2001:db8:0:1::1', '2001:0db8::1:ffff:0:0:1', '::ffff:192.0.2.1', '::1', '192.0.2.1'].map(networkOf)).toEqual([
    '2001:db8:0:1',
    '2001:db8:0:1',
    '192.0.2.1',
    '0:0:0:0',
    '192.0.2.1',
  ])
})

test('a password is kept as argon2id with 19 MiB and two passes, and is the same however it was composed', async () => {
  const passwords = createPasswords()
  const kept = await passwords.hash('cafe\u0301 cafe\u0301 cafe')
  expect(kept).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  expect(await passwords.matches('caf\u00e9 caf\u00e9 cafe', kept)).toBe(true)
})

test('a short password is refused', async () => {
  await expect(local.hash('123456789')).rejects.toMatchObject({ code: 'password-short' })
})
