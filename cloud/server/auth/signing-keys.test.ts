import { randomBytes } from 'node:crypto'
import { jwtVerify, SignJWT } from 'jose'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeDatabase, type TestDatabase } from '../../database/testing/test-database.ts'
import { createSigningKeys, type SigningKeys } from './signing-keys.ts'

const DAY_MS = 86_400_000
let made: TestDatabase
let now: number
const wrappingKey = randomBytes(32)
beforeEach(async () => {
  made = await makeDatabase()
  now = Date.parse('2026-01-01T00:00:00Z')
})
afterEach(() => made.close())

const server = (key = wrappingKey) => createSigningKeys({ database: made.database, wrappingKey: key, clock: () => now })
const idsOf = async (keys: SigningKeys) => (await keys.published()).keys.map(key => key.kid)

test('servers that start at once agree on one key', async () => {
  const signers = await Promise.all([server(), server(), server()].map(one => one.signer()))
  expect(new Set(signers.map(({ id }) => id)).size).toBe(1)
})

test('a new key is published a day before it signs, and the old one is kept until its last token has expired', async () => {
  const [one, another] = [server(), server()]
  const old = (await one.signer()).id
  expect(await idsOf(another)).toEqual([old])

  now += 29 * DAY_MS
  expect((await one.signer()).id).toBe(old)
  const both = await idsOf(another)
  expect(both).toEqual([old, expect.any(String)])

  now += DAY_MS
  const [first, second] = await Promise.all([one.signer(), another.signer()])
  expect([first.id, second.id]).toEqual([both[1], both[1]])
  expect(await one.publicKey(old)).toBeDefined()

  now += 600_000
  expect(await one.publicKey(old)).toBeUndefined()
})

test('what one server signs, another checks at once, also when it has not seen the key', async () => {
  const checking = server()
  await checking.signer()
  now += 31 * DAY_MS
  const { id, privateKey } = await server().signer()
  const token = await new SignJWT({}).setProtectedHeader({ alg: 'EdDSA' }).sign(privateKey)
  expect((await jwtVerify(token, (await checking.publicKey(id))!)).payload).toEqual({})
})

test('private keys lie encrypted, and open only with the key of this cloud', async () => {
  await server().signer()
  const [row] = await made.database.query<{ private_key: Buffer }>('select private_key from signing_keys')
  expect(row!.private_key.toString('latin1')).not.toContain('PRIVATE KEY')
  await expect(server(randomBytes(32)).published()).rejects.toMatchObject({ code: 'secret-key-differs' })
})

test('a key that somebody put into the database is not taken for one of ours', async () => {
  const { id } = await server().signer()
  await made.database.query(
    `insert into signing_keys (id, private_key, signs_from, signs_until, created_at)
     select 'mine', private_key, signs_from, signs_until, created_at from signing_keys where id = $1`,
    [id],
  )
  await expect(server().publicKey('mine')).rejects.toMatchObject({ code: 'secret-key-differs' })
})
