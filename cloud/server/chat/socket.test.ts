import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { MAX_SOCKET_MESSAGE, type SocketCommand, type SocketMessage } from '@fusion/shared/contract/cloud/chat.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { question } from '../testing/chat-client.ts'
import { MODEL, type ScriptedServer, startScriptedServer } from '../testing/scripted-server.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

let servers: ScriptedServer
let cloud: TestCloud
let token: string
const open: WebSocket[] = []

beforeAll(async () => {
  servers = await startScriptedServer()
  cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify([{ url: servers.url }]) } })
  await cloud.parts.models.looked
  token = await cloud.signIn()
})
afterEach(() => open.splice(0).forEach(socket => socket.close()))
afterAll(async () => {
  await cloud.close()
  await servers.close()
})

interface Client {
  say(said: SocketCommand | string): void
  next(): Promise<SocketMessage>
  /** Messages up to the end of an answer. */
  answer(): Promise<SocketMessage[]>
  closed: Promise<number>
  leave(): void
}

async function enter({ url } = cloud, accessToken: string | null = token): Promise<Client> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/chat/socket`)
  open.push(socket)
  const came: SocketMessage[] = []
  let wake = () => {}
  socket.addEventListener('message', ({ data }) => {
    came.push(JSON.parse(data as string) as SocketMessage)
    wake()
  })
  const closed = once(socket, 'close').then(([{ code }]) => code as number)
  await once(socket, 'open')
  const client: Client = {
    say: said => socket.send(typeof said === 'string' ? said : JSON.stringify(said)),
    async next() {
      while (came.length === 0) await new Promise<void>(resolve => (wake = resolve))
      return came.shift()!
    },
    async answer() {
      const all: SocketMessage[] = []
      for (;;) {
        const message = await client.next()
        all.push(message)
        if (message.type !== 'event' || /finish|stop|fail/.test(message.event.type)) return all
      }
    },
    closed,
    leave: () => socket.close(),
  }
  if (accessToken !== null) {
    client.say({ type: 'hello', accessToken })
    expect(await client.next()).toEqual({ type: 'welcome' })
  }
  return client
}

const textOf = (messages: SocketMessage[]) =>
  messages.map(message => (message.type === 'event' && message.event.type === 'text-delta' ? message.event.text : '')).join('')
const seqsOf = (messages: SocketMessage[]) => messages.map(message => (message.type === 'event' ? message.seq : null))

test('an answer comes over a socket, and goes on when the socket is lost: another one has it from every event on', async () => {
  const client = await enter()
  const request = question(MODEL)
  client.say({ type: 'chat', request })
  const answer = await servers.next()
  answer.say('one ')
  expect(await client.next()).toMatchObject({ type: 'event', generation: request.answer, seq: 1, event: { type: 'generation-start' } })
  client.leave()
  await client.closed
  answer.say('two')
  answer.finish()
  const another = await enter()
  another.say({ type: 'resume', generation: request.answer, after: 0 })
  const whole = await another.answer()
  expect(textOf(whole)).toBe('one two')
  expect(seqsOf(whole)).toEqual([1, 2, 3, 4, 5])
  for (let after = 0; after < whole.length; after++) {
    another.say({ type: 'resume', generation: request.answer, after })
    expect(await another.answer()).toEqual(whole.slice(after))
  }
  another.say({ type: 'chat', request })
  expect(await another.answer()).toEqual(whole)
})

test('two answers come over one socket, each event with the answer that it is of; one is cancelled', async () => {
  const client = await enter()
  const [first, second] = [question(MODEL), question(MODEL)]
  client.say({ type: 'chat', request: first })
  const one = await servers.next()
  client.say({ type: 'chat', request: second })
  const two = await servers.next()
  client.say({ type: 'cancel', generation: first.answer })
  await one.gone
  two.say('second')
  two.finish()
  const seen = [...(await client.answer()), ...(await client.answer())]
  const of = (generation: string) => seen.filter(message => message.type === 'event' && message.generation === generation)
  expect(of(first.answer).at(-1)).toMatchObject({ event: { type: 'generation-stop' } })
  expect(textOf(of(second.answer))).toBe('second')
  expect(of(second.answer).at(-1)).toMatchObject({ event: { type: 'generation-finish' } })
})

test('whoever says nothing of who they are, or has a token that is not good, gets nothing', async () => {
  const nobody = await enter(cloud, null)
  nobody.say({ type: 'resume', generation: newId(), after: 0 })
  expect(await nobody.closed).toBe(1008)
  const forged = await enter(cloud, null)
  forged.say({ type: 'hello', accessToken: `${token}x` })
  expect(await forged.next()).toMatchObject({ type: 'refuse', generation: null, failure: { code: 'signed-out' } })
})

test("another's answer, an unknown one, another request under its id and what is no command are refused, and the socket stays", async () => {
  const client = await enter()
  const request = question(MODEL)
  client.say({ type: 'chat', request })
  const answer = await servers.next()
  answer.finish()
  await client.answer()
  client.say({ type: 'chat', request: { ...request, model: 'another' } })
  expect(await client.next()).toMatchObject({ type: 'refuse', generation: request.answer, failure: { code: 'request-differs' } })
  for (const said of ['{', '[]', '{"type":"chat"}', '{"type":"resume","generation":"../x","after":0}']) {
    client.say(said)
    expect(await client.next()).toMatchObject({ type: 'refuse', generation: null, failure: { code: 'bad-input' } })
  }
  const stranger = await enter(cloud, await cloud.signIn('stranger@example.org'))
  for (const generation of [request.answer, newId()]) {
    stranger.say({ type: 'resume', generation, after: 0 })
    expect(await stranger.next()).toMatchObject({ type: 'refuse', generation, failure: { code: 'not-found' } })
    stranger.say({ type: 'cancel', generation })
    expect(await stranger.next()).toMatchObject({ type: 'refuse', generation, failure: { code: 'not-found' } })
  }
})

test('a session that was ended can do nothing more on the socket that it opened', async () => {
  const email = 'leaving@example.org'
  const own = await cloud.signIn(email)
  const client = await enter(cloud, own)
  await fetch(`${cloud.url}/v1/account/sessions`, { method: 'DELETE', headers: { authorization: `Bearer ${own}` } })
  client.say({ type: 'resume', generation: newId(), after: 0 })
  expect(await client.next()).toMatchObject({ type: 'refuse', failure: { code: 'signed-out' } })
})

test('a message that is too large ends the socket', async () => {
  const client = await enter()
  client.say('x'.repeat(MAX_SOCKET_MESSAGE + 1))
  expect(await client.closed).toBe(1009)
})

test('a server that drains says so on every socket, and closes it; what is being made goes on', async () => {
  const leaving = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify([{ url: servers.url }]) } })
  await leaving.parts.models.looked
  const own = await leaving.signIn()
  const [busy, idle] = [await enter(leaving, own), await enter(leaving, own)]
  const request = question(MODEL)
  busy.say({ type: 'chat', request })
  const answer = await servers.next()
  for (let index = 0; index < 2; index++) await busy.next()
  const closing = leaving.close()
  expect(await idle.next()).toEqual({ type: 'server-drain' })
  expect([await idle.closed, await busy.closed]).toEqual([1012, 1012])
  answer.say('to its end')
  answer.finish()
  await closing
})

test('an address that is no socket does not become one, and the socket asks for an upgrade', async () => {
  expect((await fetch(`${cloud.url}/v1/chat/socket`)).status).toBe(426)
  const plain = connect(Number(new URL(cloud.url).port), '127.0.0.1')
  plain.write(
    'GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  const [first] = (await once(plain, 'data')) as [Buffer]
  plain.destroy()
  expect(first.toString()).toMatch(/^HTTP\/1\.1 200 /)
})

test('a socket whose reader stalls holds up nobody, and gets everything once when it reads again', async () => {
  const { hostname, port } = new URL(cloud.url)
  const reader = connect(Number(port), hostname)
  reader.write(
    `GET /v1/chat/socket HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
      'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  let text = ''
  reader.setEncoding('latin1').on('data', (data: string) => (text += data.replaceAll(/x{2,}/g, '')))
  await expect.poll(() => text).toContain(' 101 ')
  const request = question(MODEL)
  reader.write(frameOf({ type: 'chat', request }))
  const answer = await servers.next()
  await expect.poll(() => text).toContain('prompt-count')
  reader.pause()
  const other = await enter()
  other.say({ type: 'resume', generation: request.answer, after: 0 })
  const filler = 'x'.repeat(100_000)
  for (let index = 0; index < 200; index++) answer.say(`<${index}>${filler}`)
  answer.finish()
  const seen = await other.answer()
  expect(seqsOf(seen)).toEqual(seen.map((_, index) => index + 1))

  reader.resume()
  await expect.poll(() => text.includes('generation-finish'), { timeout: 20_000 }).toBe(true)
  reader.destroy()
  expect([...text.matchAll(/<(\d+)>/g)].map(([, index]) => Number(index))).toEqual(Array.from({ length: 200 }, (_, index) => index))
})

/** A text message as a client sends it, masked with zeros. */
function frameOf(said: SocketCommand): Buffer {
  const bytes = Buffer.from(JSON.stringify(said))
  return Buffer.concat([Buffer.from([0x81, 0x80 | 126, bytes.length >> 8, bytes.length & 0xff, 0, 0, 0, 0]), bytes])
}
