import { expect, test } from 'vitest'
import { createMemoryCache } from './cache.ts'

test('an entry is told until its time is over, and not once it was deleted', async () => {
  let now = 0
  const cache = createMemoryCache({ clock: () => now })
  await cache.set('a', 'one', 100)
  await cache.set('b', 'two', 200)
  now = 99
  expect([await cache.get('a'), await cache.get('b')]).toEqual(['one', 'two'])
  now = 100
  expect([await cache.get('a'), await cache.get('b')]).toEqual([undefined, 'two'])
  await cache.delete('b')
  expect(await cache.get('b')).toBeUndefined()
})

test('a full cache forgets what was set first', async () => {
  const cache = createMemoryCache({ entries: 2 })
  await cache.set('a', 'one', 1_000)
  await cache.set('b', 'two', 1_000)
  await cache.set('a', 'one again', 1_000)
  await cache.set('c', 'three', 1_000)
  expect([await cache.get('a'), await cache.get('b'), await cache.get('c')]).toEqual(['one again', undefined, 'three'])
})
