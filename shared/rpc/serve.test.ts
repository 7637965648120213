// Races that need a handler in the hand of the test.
import { setImmediate } from 'node:timers/promises'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { connect } from './connect.ts'
import { stream } from './contract.ts'
import { serve } from './serve.ts'
import { arrayPorts } from './testing/array-port.ts'
import { STREAM_WINDOW } from './wire.ts'

const contract = { items: { watch: stream(Type.Object({}), Type.Integer()) } }

function serveItems(watch: (signal: AbortSignal) => AsyncIterable<number>) {
  const [near, far] = arrayPorts<unknown, unknown>()
  serve(contract, { items: { watch: (_, signal) => watch(signal) } }, far)
  return { port: near, client: connect(contract, near) }
}

test('a cancellation that comes while the last item of the window is made still ends the stream', async () => {
  const lastItem = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const { client } = serveItems(async function* () {
    try {
      for (let n = 1; n <= STREAM_WINDOW * 2; n++) {
        if (n === STREAM_WINDOW) await lastItem.promise
        yield n
      }
    } finally {
      ended.resolve()
    }
  })
  const items = client.items.watch({})
  await items.next()
  await setImmediate()
  await items.return()
  lastItem.resolve()
  await ended.promise
})

test('an item made after the cancellation is not sent', async () => {
  const item = Promise.withResolvers<number>()
  const { port } = serveItems(async function* () {
    yield await item.promise
  })
  const types: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  port.onMessage(message => {
    types.push((message as { type: string }).type)
    resolve()
  })
  port.post({ type: 'call', id: 1, path: 'items.watch', input: {} })
  port.post({ type: 'cancel', id: 1 })
  item.resolve(1)
  await promise
  expect(types).toEqual(['error'])
})

test('a port that closes ends its streams, also one whose cleaning up takes its time', async () => {
  const cleaned = Promise.withResolvers<void>()
  const steps: string[] = []
  const { port, client } = serveItems(async function* () {
    try {
      for (let n = 0; ; n++) yield n
    } finally {
      steps.push('cleaning')
      await setImmediate()
      steps.push('cleaned')
      cleaned.resolve()
    }
  })
  const items = client.items.watch({})
  await items.next()
  port.close()
  await cleaned.promise
  expect(steps).toEqual(['cleaning', 'cleaned'])
})

test('an iterator without `return`, and one that throws at once, are streams like any other', async () => {
  const plain = serveItems(() => ({
    [Symbol.asyncIterator]: () => {
      let n = 0
      return { next: async () => (n < 3 ? { done: false as const, value: n++ } : { done: true as const, value: undefined }) }
    },
  }))
  const seen: number[] = []
  for await (const n of plain.client.items.watch({})) seen.push(n)
  expect(seen).toEqual([0, 1, 2])

  const broken = serveItems(() => {
    throw new Error('not even a stream')
  })
  await expect(broken.client.items.watch({}).next()).rejects.toMatchObject({ code: 'internal' })
})
