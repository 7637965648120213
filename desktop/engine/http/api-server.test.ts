import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import type { ApiState } from '@fusion/shared/contract/api.ts'
import { expect, onTestFinished, test } from 'vitest'
import { createLog } from '../log.ts'
import { testEngine } from '../testing/test-engine.ts'
import { keepApiServer } from './api-server.ts'

/** An engine with the local API on a server of its own, as Electron has it. */
async function start() {
  const { engine, fusion } = await testEngine()
  const { api, settings, onSettings } = engine
  const listeners = new Set<() => void>()
  onTestFinished(
    api.watch(() => {
      for (const listener of listeners) listener()
    }),
  )
  const server = keepApiServer({ api, settings, onSettings, log: createLog({ level: 'error', write: () => {} }), againMs: 20 })
  onTestFinished(() => server.close())
  return {
    fusion,
    server,
    /** Resolves when the state is so, from now on. */
    async until(check: (state: ApiState) => boolean): Promise<ApiState> {
      while (!check(api.state())) {
        await new Promise<void>(resolve => {
          const listener = () => {
            listeners.delete(listener)
            resolve()
          }
          listeners.add(listener)
        })
      }
      return api.state()
    },
  }
}

const addressOf = (port: number) => `http://127.0.0.1:${port}/v1`
const health = async (port: number) => (await fetch(`http://127.0.0.1:${port}/health`)).status

/** By a connection of its own: fetch would find out that one it had kept is closed. */
async function refused(port: number): Promise<void> {
  const [error] = (await once(connect(port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException]
  expect(error.code).toBe('ECONNREFUSED')
}

/** A program that holds a port. */
async function hold(): Promise<{ port: number; end(): Promise<void> }> {
  const other: Server = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const end = () => new Promise<void>(resolve => other.close(() => resolve()))
  onTestFinished(end)
  return { port: (other.address() as AddressInfo).port, end }
}

/** A port that was free just now. */
async function freePort(): Promise<number> {
  const { port, end } = await hold()
  await end()
  return port
}

test('the local API is closed until the settings open it, goes with its port, and closes', async () => {
  const { fusion, until } = await start()
  const [first, second] = [await freePort(), await freePort()]
  await fusion.settings.set({ apiPort: first })
  await refused(first)

  await fusion.settings.set({ apiOpen: true })
  expect(await until(({ address }) => address !== null)).toMatchObject({ address: addressOf(first), always: false, failure: null })
  expect(await health(first)).toBe(200)

  await fusion.settings.set({ apiPort: second })
  await until(({ address }) => address === addressOf(second))
  expect(await health(second)).toBe(200)
  await refused(first)

  await fusion.settings.set({ apiOpen: false })
  await until(({ address }) => address === null)
  await refused(second)
})

test('a setting that is none of its own closes no connection', async () => {
  const { fusion, until } = await start()
  const port = await freePort()
  await fusion.settings.set({ apiOpen: true, apiPort: port })
  await until(({ address }) => address !== null)
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  await fusion.settings.set({ theme: 'dark' })
  socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  expect(answer.toString()).toMatch(/^HTTP\/1.1 200/)
})

test('a port that another program uses is said, and opened when that program has ended', async () => {
  const { fusion, until } = await start()
  const other = await hold()
  await fusion.settings.set({ apiOpen: true, apiPort: other.port })
  const { address, failure } = await until(state => state.failure !== null)
  expect({ address, failure }).toMatchObject({ address: null, failure: { code: 'port-in-use', detail: { port: other.port } } })
  await other.end()
  expect(await until(state => state.address !== null)).toMatchObject({ address: addressOf(other.port), failure: null })
  expect(await health(other.port)).toBe(200)
})

test('after a port that is in use another one opens, and closing takes the failure away', async () => {
  const { fusion, until } = await start()
  const [other, port] = [await hold(), await freePort()]
  await fusion.settings.set({ apiOpen: true, apiPort: other.port })
  await until(({ failure }) => failure !== null)
  await fusion.settings.set({ apiOpen: false })
  await until(({ failure }) => failure === null)
  await fusion.settings.set({ apiOpen: true })
  await until(({ failure }) => failure !== null)
  await fusion.settings.set({ apiPort: port })
  await until(({ address, failure }) => address === addressOf(port) && failure === null)
})

test('many changes in a row end with the last one', async () => {
  const { fusion, until } = await start()
  const ports = await Promise.all(Array.from({ length: 5 }, freePort))
  for (const apiPort of ports) void fusion.settings.set({ apiOpen: true, apiPort })
  await until(({ address }) => address === addressOf(ports.at(-1)!))
  for (const port of ports.slice(0, -1)) await refused(port)
})

test('closing ends the connections that stand and frees the port, also while a port is waited for', async () => {
  const { fusion, server, until } = await start()
  const port = await freePort()
  await fusion.settings.set({ apiOpen: true, apiPort: port })
  await until(({ address }) => address !== null)
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  const closed = once(socket, 'close')
  await server.close()
  await closed
  await refused(port)

  const waiting = await start()
  const other = await hold()
  await waiting.fusion.settings.set({ apiOpen: true, apiPort: other.port })
  await waiting.until(({ failure }) => failure !== null)
  await waiting.server.close()
  await other.end()
  await refused(other.port)
})
