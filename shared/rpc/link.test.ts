import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { Failure } from './failure.ts'
import { createLink, type Link, type LinkState } from './link.ts'
import { serve } from './serve.ts'
import { createExample, type ExampleContract, exampleContract } from './testing/example.ts'
import { webSocketPort } from './web-socket.ts'

const closings: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closings.splice(0).toReversed()) await close()
})

async function listen(port = 0) {
  const server = new WebSocketServer({ port, host: '127.0.0.1' })
  await once(server, 'listening')
  server.on('connection', socket => {
    const { handlers, options } = createExample()
    serve(exampleContract, handlers, webSocketPort(socket), options)
  })
  const breakOff = () => server.clients.forEach(client => client.terminate())
  const close = async () => {
    breakOff()
    if (server.address()) {
      server.close()
      await once(server, 'close')
    }
  }
  closings.push(close)
  return { port: (server.address() as AddressInfo).port, breakOff, close }
}

async function dial(port: number) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  await once(socket, 'open')
  return webSocketPort<unknown>(socket)
}

function linkTo(port: number, backOffMs: (attempt: number) => number = () => 0): Link<ExampleContract> {
  const link = createLink(exampleContract, () => dial(port), { backOffMs })
  closings.push(() => link.close())
  return link
}

const reaches = (link: Link<ExampleContract>, wished: LinkState) =>
  new Promise<void>(resolve => {
    const stop = link.onState(state => {
      if (state !== wished) return
      stop()
      resolve()
    })
  })

test('a call made before the port is there waits for it', async () => {
  const { port } = await listen()
  const link = linkTo(port)
  expect(await (await link.client()).numbers.double({ n: 2 })).toBe(4)
})

test('after a lost port it connects again, and a call that waited meanwhile is answered', async () => {
  const server = await listen()
  const link = linkTo(server.port)
  const states: LinkState[] = []
  link.onState(state => states.push(state))
  await link.client()
  const lost = reaches(link, 'lost')
  await server.close()
  await lost
  const waiting = link.client().then(client => client.numbers.double({ n: 3 }))
  await listen(server.port)
  expect(await waiting).toBe(6)
  expect(states).toEqual(['online', 'lost', 'online'])
})

test('a call cut off by a lost port throws, and is not sent twice', async () => {
  const server = await listen()
  const link = linkTo(server.port)
  const cut = (await link.client()).trouble.wait({})
  await (await link.client()).numbers.double({ n: 1 })
  server.breakOff()
  await expect(cut).rejects.toMatchObject({ code: 'disconnected' })
})

test('a subscription is opened anew after a lost port, and ends with its signal', async () => {
  const server = await listen()
  const link = linkTo(server.port)
  const controller = new AbortController()
  let openings = 0
  const seen: number[] = []
  await link.subscribe(
    (client, options) => {
      openings++
      return client.numbers.forever({}, options)
    },
    item => {
      seen.push(item)
      if (seen.length === 2) server.breakOff()
      if (openings === 2 && item === 2) controller.abort()
    },
    { signal: controller.signal },
  )
  // Each connection has an example of its own, so the second opening counts from 0 again.
  expect(openings).toBe(2)
  expect(seen.slice(-3)).toEqual([0, 1, 2])
})

test('a subscription that fell behind is opened anew, any other failure is thrown', async () => {
  const link = linkTo((await listen()).port)
  const failures = ['fell-behind', 'fell-behind', 'disk-full'] as const
  let openings = 0
  const reading = link.subscribe(
    // oxlint-disable-next-line require-yield
    async function* (): AsyncGenerator<number> {
      throw new Failure(failures[openings++]!, 'Told by the test')
    },
    () => {},
  )
  await expect(reading).rejects.toMatchObject({ code: 'disk-full' })
  expect(openings).toBe(3)
})

test('a fault of the reader is thrown to whoever subscribed, and ends the stream', async () => {
  const link = linkTo((await listen()).port)
  const fault = new Error('The reader broke')
  const reading = link.subscribe(
    (client, options) => client.numbers.forever({}, options),
    () => {
      throw fault
    },
  )
  await expect(reading).rejects.toBe(fault)
  expect(await (await link.client()).probe.ended({ count: 1 })).toEqual({ names: ['forever'] })
})

test('it waits longer after each failed try, also when the other side takes the call and hangs up', async () => {
  const asked: number[] = []
  const tried = Promise.withResolvers<void>()
  let dials = 0
  const link = createLink(
    exampleContract,
    async () => {
      dials++
      if (dials < 4) throw new Error('nobody there')
      if (dials === 8) tried.resolve()
      return { post() {}, onMessage() {}, onClose: listener => queueMicrotask(listener), close() {} }
    },
    {
      backOffMs: attempt => {
        asked.push(attempt)
        return 0
      },
    },
  )
  await tried.promise
  link.close()
  expect(asked.slice(0, 7)).toEqual([0, 1, 2, 3, 4, 5, 6])
})

test('waiting for a lost link can be cancelled', async () => {
  const link = createLink(exampleContract, () => Promise.reject(new Error('nobody there')), { backOffMs: () => 10_000 })
  closings.push(() => link.close())
  const controller = new AbortController()
  const waiting = link.client({ signal: controller.signal })
  controller.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
  await expect(link.client({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' })
})

test('closing ends what is open and what waits, dials no more, and may be done twice', async () => {
  const server = await listen()
  const link = linkTo(server.port)
  const client = await link.client()
  const subscription = link.subscribe(
    (client, options) => client.trouble.silent({}, options),
    () => {},
  )
  const open = client.trouble.wait({})
  await client.numbers.double({ n: 1 })
  const states: LinkState[] = []
  link.onState(state => states.push(state))
  link.close()
  link.close()
  await expect(open).rejects.toMatchObject({ code: 'disconnected' })
  await expect(link.client()).rejects.toMatchObject({ code: 'disconnected' })
  expect(await subscription).toBeUndefined()
  expect(states).toEqual([])

  const nobody = createLink(exampleContract, () => Promise.reject(new Error('nobody there')), { backOffMs: () => 10_000 })
  const waiting = nobody.client()
  nobody.close()
  await expect(waiting).rejects.toMatchObject({ code: 'disconnected' })
})

test('a port that arrives after the link was closed is closed too', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const link = createLink(exampleContract, async () => ({ post() {}, onMessage() {}, onClose() {}, close: resolve }))
  link.close()
  await promise
})
