import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { connect } from './connect.ts'
import { call, stream } from './contract.ts'
import { createMailbox } from './mailbox.ts'
import { serve } from './serve.ts'
import { arrayPorts } from './testing/array-port.ts'

const joinText = (last: string, next: string) => (last === '|' || next === '|' ? undefined : last + next)
const never = () => new AbortController().signal

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

test('what was pushed before and while it is read comes out in order, then the end', async () => {
  const mailbox = createMailbox<number>({ signal: never() })
  mailbox.push(1)
  mailbox.push(2)
  const seen: number[] = []
  for await (const item of mailbox) {
    seen.push(item)
    if (item === 2) mailbox.push(3)
    if (item === 3) mailbox.end()
  }
  expect(seen).toEqual([1, 2, 3])
})

test('a waiting reader is woken by a push, and by the end', async () => {
  const mailbox = createMailbox<string>({ signal: never() })
  const items = mailbox[Symbol.asyncIterator]()
  const first = items.next()
  mailbox.push('a')
  expect(await first).toEqual({ done: false, value: 'a' })
  const second = items.next()
  mailbox.end()
  expect((await second).done).toBe(true)
})

test('a reader that stays behind loses its subscription, not the memory', async () => {
  const mailbox = createMailbox<number>({ limit: 10, signal: never() })
  for (let n = 0; n < 11; n++) mailbox.push(n)
  await expect(all(mailbox)).rejects.toMatchObject({ code: 'fell-behind', retryable: true })
})

test('items that can be joined are, so that a slow reader of text never falls behind', async () => {
  const mailbox = createMailbox<string>({ limit: 3, merge: joinText, signal: never() })
  for (let n = 0; n < 1000; n++) mailbox.push('x')
  mailbox.push('|')
  mailbox.push('y')
  mailbox.end()
  expect(await all(mailbox)).toEqual(['x'.repeat(1000), '|', 'y'])
})

test('an aborted signal ends it, also one that was aborted before', async () => {
  const controller = new AbortController()
  const mailbox = createMailbox<number>({ signal: controller.signal })
  const reading = all(mailbox)
  controller.abort()
  expect(await reading).toEqual([])
  expect(await all(createMailbox<number>({ signal: AbortSignal.abort() }))).toEqual([])
})

test('behind a real stream, a reader that stops is told that it fell behind once it reads on', async () => {
  const contract = { news: { watch: stream(Type.Object({}), Type.Integer()), push: call(Type.Object({}), Type.Object({})) } }
  const [near, far] = arrayPorts<never, never>()
  const mailboxes = new Set<ReturnType<typeof createMailbox<number>>>()
  serve(
    contract,
    {
      news: {
        async *watch(_, signal) {
          const mailbox = createMailbox<number>({ limit: 100, signal })
          mailboxes.add(mailbox)
          mailbox.push(-1)
          try {
            yield* mailbox
          } finally {
            mailboxes.delete(mailbox)
          }
        },
        push: async () => {
          for (let n = 0; n < 1000; n++) for (const mailbox of mailboxes) mailbox.push(n)
          return {}
        },
      },
    },
    far,
  )
  const client = connect(contract, near)
  const items = client.news.watch({})
  expect((await items.next()).value).toBe(-1)
  await client.news.push({})
  await expect(all(items)).rejects.toMatchObject({ code: 'fell-behind' })
  expect(mailboxes.size).toBe(0)
})
