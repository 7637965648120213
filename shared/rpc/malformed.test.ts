// Whatever arrives, the server stands and gives at most one answer to each message.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { connect } from './connect.ts'
import { serve } from './serve.ts'
import { arrayPorts } from './testing/array-port.ts'
import { createExample, exampleContract } from './testing/example.ts'
import { webSocketPort } from './web-socket.ts'
import { type Down, STREAM_WINDOW, type Up } from './wire.ts'

function serveExample() {
  const [near, far] = arrayPorts<unknown, Down>()
  const { handlers, options } = createExample()
  serve(exampleContract, handlers, far, options)
  return near
}

const paths = Object.entries(exampleContract).flatMap(([group, calls]) => Object.keys(calls).map(name => `${group}.${name}`))

/** JSON of any form, most of it close to that of the wire. */
const almostMessage = fc.oneof(
  { weight: 1, arbitrary: fc.jsonValue() },
  {
    weight: 4,
    arbitrary: fc.record(
      {
        type: fc.oneof(fc.constantFrom('call', 'more', 'cancel'), fc.jsonValue()),
        id: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: -1, max: 4 }) }, { weight: 1, arbitrary: fc.jsonValue() }),
        path: fc.oneof(
          fc.constantFrom(...paths),
          fc.constantFrom('constructor', '__proto__', 'numbers.__proto__', 'numbers.double.x'),
          fc.jsonValue(),
        ),
        input: fc.oneof(fc.record({ n: fc.integer(), to: fc.integer({ max: 100 }), count: fc.integer() }), fc.jsonValue()),
        items: fc.oneof(fc.integer({ min: -1, max: STREAM_WINDOW + 1 }), fc.jsonValue()),
      },
      { requiredKeys: [] },
    ),
  },
)

test('any JSON leaves the server standing and gets at most one answer', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(almostMessage, { maxLength: 20 }), async messages => {
      const port = serveExample()
      const answers = new Map<number, number>()
      port.onMessage(message => {
        const { type, id } = message as Down
        if (type !== 'item') answers.set(id, (answers.get(id) ?? 0) + 1)
      })
      for (const message of messages) port.post(message)
      await setImmediate()
      for (const [id, count] of answers) {
        expect(count).toBeLessThanOrEqual(messages.filter(message => (message as { id?: unknown } | null)?.id === id).length)
      }
      expect(await doubleUnder(port, 1_000_000)).toMatchObject({ type: 'end', value: 42 })
      port.close()
    }),
    { numRuns: 500 },
  )
})

function doubleUnder(port: ReturnType<typeof serveExample>, id: number): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  port.onMessage(message => {
    if ((message as Down).id === id) resolve(message)
  })
  port.post({ type: 'call', id, path: 'numbers.double', input: { n: 21 } })
  return promise
}

test('a malformed message with a number is answered under it, and ends the call that has it', async () => {
  const port = serveExample()
  const answers: unknown[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  port.onMessage(message => {
    if (answers.push(message) === 2) resolve()
  })
  port.post({ type: 'call', id: 1, path: 'trouble.silent', input: {} })
  port.post({ type: 'more', id: 1, items: STREAM_WINDOW + 1 })
  port.post({ type: 'hello', id: 2 })
  await promise
  expect(answers).toMatchObject([
    { type: 'error', id: 2, error: { code: 'bad-input' } },
    { type: 'error', id: 1, error: { code: 'bad-input' } },
  ])
})

test('an answer that cannot be read ends its call instead of leaving it waiting', async () => {
  const [near, far] = arrayPorts<unknown, unknown>()
  far.onMessage(message => far.post({ type: 'error', id: (message as Down).id, error: 'no body' }))
  await expect(connect(exampleContract, near).numbers.double({ n: 1 })).rejects.toMatchObject({ code: 'internal' })
})

test('a server that sends more than it was asked for is stopped at the window, and other calls go on', async () => {
  const [near, far] = arrayPorts<unknown, unknown>()
  const heard: unknown[] = []
  far.onMessage(message => {
    const { type, id, path } = message as Up & { path?: string }
    heard.push(type)
    if (path === 'numbers.forever') for (let n = 0; n < 100_000; n++) far.post({ type: 'item', id, value: n })
    else if (type === 'call') far.post({ type: 'end', id, value: 42 })
  })
  const client = connect(exampleContract, near)
  await expect(client.numbers.forever({}).next()).rejects.toMatchObject({ code: 'internal' })
  expect(await client.numbers.double({ n: 21 })).toBe(42)
  expect(heard).toEqual(['call', 'cancel', 'call'])
})

test('frames that are not JSON text are passed over by both sides of a WebSocket', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const junk = ['', '{', 'nul', '[1,', '\u0000', '{"id":1', Buffer.from([0, 255, 254]), Buffer.from('{"type":"cancel","id":1}')]
  server.on('connection', socket => {
    const { handlers, options } = createExample()
    serve(exampleContract, handlers, webSocketPort(socket), options)
    for (const frame of junk) socket.send(frame)
  })
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await once(socket, 'open')
  const client = connect(exampleContract, webSocketPort(socket))
  for (const frame of junk) socket.send(frame)
  expect(await client.numbers.double({ n: 21 })).toBe(42)
  socket.close()
  server.close()
  await once(server, 'close')
})

test('a frame larger than the socket takes ends that connection, and the server goes on', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: 1000 })
  await once(server, 'listening')
  server.on('connection', socket => {
    const { handlers, options } = createExample()
    serve(exampleContract, handlers, webSocketPort(socket), options)
  })
  const open = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
    await once(socket, 'open')
    return connect(exampleContract, webSocketPort(socket))
  }
  const first = await open()
  await expect(first.numbers.double({ n: 1, padding: 'x'.repeat(2000) } as { n: number })).rejects.toMatchObject({ code: 'disconnected' })
  expect(await (await open()).numbers.double({ n: 21 })).toBe(42)
  server.clients.forEach(client => client.terminate())
  server.close()
  await once(server, 'close')
})
