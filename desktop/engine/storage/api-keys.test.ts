import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { StorageChange } from './changes.ts'
import { openTestStorage } from './testing/test-storage.ts'

test('a key is found by its secret, also after a restart, and by nothing else', () => {
  const { storage, reopen } = openTestStorage()
  const { key, secret } = storage.apiKeys.make({ name: 'Editor', cloud: false })
  expect(secret).toMatch(/^fsn-[\w-]{43}$/)
  expect(storage.apiKeys.use(secret)).toMatchObject({ id: key.id, name: 'Editor', cloud: false })
  for (const wrong of [secret.slice(0, -1), `${secret}x`, secret.toUpperCase(), key.hint, key.id, '']) {
    expect(storage.apiKeys.use(wrong)).toBeUndefined()
  }
  expect(reopen().apiKeys.use(secret)).toMatchObject({ id: key.id })
})

test('a key that was revoked is none any more, and the others are', () => {
  const { storage, reopen } = openTestStorage()
  const [one, two] = ['one', 'two'].map(name => storage.apiKeys.make({ name, cloud: true }))
  storage.apiKeys.revoke(one!.key.id)
  expect(storage.apiKeys.use(one!.secret)).toBeUndefined()
  expect(reopen().apiKeys.all()).toMatchObject([{ id: two!.key.id, name: 'two', cloud: true }])
})

test('keys are told oldest first, each by the ends of its secret, and no file holds a secret', () => {
  const { storage, folder } = openTestStorage()
  const made = ['one', 'two', 'three'].map(name => storage.apiKeys.make({ name, cloud: false }))
  expect(storage.apiKeys.all().map(({ name }) => name)).toEqual(['one', 'two', 'three'])
  for (const { key, secret } of made) {
    expect([key.hint.slice(0, 7), key.hint.slice(-4), key.hint.length]).toEqual([secret.slice(0, 7), secret.slice(-4), 12])
  }
  const files = ['fusion.db', 'fusion.db-wal'].map(name => readFileSync(join(folder, name), 'latin1')).join('')
  expect(files).toContain(made[0]!.key.id)
  for (const { secret } of made) expect(files).not.toContain(secret.slice(8))
})

test('that a key was used is noted to the minute, and told', () => {
  const clock = { now: 1_000_000 }
  const { storage } = openTestStorage({ now: () => clock.now })
  const told: StorageChange[] = []
  storage.onChange(change => told.push(change))
  const { key, secret } = storage.apiKeys.make({ name: 'Editor', cloud: false })
  expect(key.usedAt).toBeNull()
  const usedAt = () => storage.apiKeys.all()[0]!.usedAt
  storage.apiKeys.use(secret)
  const first = usedAt()
  clock.now += 59_000
  storage.apiKeys.use(secret)
  expect(usedAt()).toBe(first)
  clock.now += 1_000
  storage.apiKeys.use(secret)
  expect(usedAt()).toBe(clock.now)
  // When it was made, and twice when it was used.
  expect(told).toEqual(Array.from({ length: 3 }, () => ({ type: 'api-keys-changed' })))
})
