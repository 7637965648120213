import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type IncomingHttpHeaders, request as httpRequest } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { call, stream } from '@fusion/shared/rpc/contract.ts'
import { connect } from '@fusion/shared/rpc/connect.ts'
import { serve } from '@fusion/shared/rpc/serve.ts'
import { webSocketPort } from '@fusion/shared/rpc/web-socket.ts'
import { Type } from 'typebox'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createLog } from '../log.ts'
import { type HttpServer, startHttpServer } from './server.ts'
import { MAX_MESSAGE_BYTES, type SocketLimits } from './sockets.ts'

const contract = {
  words: {
    echo: call(Type.Object({ text: Type.String() }), Type.Object({ text: Type.String() })),
    flood: stream(Type.Object({ characters: Type.Integer() }), Type.Object({ text: Type.String() })),
  },
}

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

async function start(
  limits: SocketLimits = {},
  openCode: string | null = null,
): Promise<HttpServer & { logged: string[]; floods: { ended: Promise<void>; begun: () => number; open: () => number } }> {
  const page = await mkdtemp(join(tmpdir(), 'fusion-page-'))
  onTestFinished(() => rm(page, { recursive: true }))
  await mkdir(join(page, 'assets'))
  await writeFile(join(page, 'index.html'), '<!doctype html><title>Fusion</title>')
  await writeFile(join(page, 'assets/main-a1b2c3.js'), 'export {}')
  const logged: string[] = []
  const flood = Promise.withResolvers<void>()
  let begun = 0
  let open = 0
  const server = await startHttpServer({
    port: 0,
    page,
    log: createLog({ level: 'debug', write: line => void logged.push(line) }),
    limits,
    openCode,
    onPort: port =>
      serve(
        contract,
        {
          words: {
            echo: async ({ text }) => ({ text }),
            async *flood({ characters }) {
              begun++
              open++
              try {
                for (;;) yield { text: 'x'.repeat(characters) }
              } finally {
                open--
                flood.resolve()
              }
            },
          },
        },
        port,
      ),
  })
  onTestFinished(() => server.close())
  return { ...server, logged, floods: { ended: flood.promise, begun: () => begun, open: () => open } }
}

/** By node:http, which sends the path and every header just as told: also what no browser would send. */
function ask(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const request = httpRequest(
    { host: '127.0.0.1', port, path, method: options.method ?? 'GET', headers: options.headers ?? {} },
    response => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    },
  )
  request.on('error', reject)
  request.end(options.body)
  return promise
}

const origin = (port: number) => `http://127.0.0.1:${port}`

function signIn(port: number, token: string, headers: Record<string, string> = {}): Promise<Answer> {
  return ask(port, '/session', { method: 'POST', headers: { origin: origin(port), ...headers }, body: JSON.stringify({ token }) })
}

async function cookieOf({ port, token }: HttpServer): Promise<string> {
  const { headers } = await signIn(port, token)
  return headers['set-cookie']![0]!.split(';')[0]!
}

/** Resolves to an open socket, or to the status of the refusal. */
function dial(port: number, headers: Record<string, string>): Promise<WebSocket | number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/rpc`, { headers })
  onTestFinished(() => socket.terminate())
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(socket))
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0))
    socket.on('error', reject)
  })
}

async function dialAsPage(server: HttpServer): Promise<WebSocket> {
  const socket = await dial(server.port, { origin: origin(server.port), cookie: await cookieOf(server) })
  if (typeof socket === 'number') throw new Error(`refused with ${socket}`)
  return socket
}

test('the printed token opens a session, and the page then calls the engine over the socket', async () => {
  const server = await start()
  const client = connect(contract, webSocketPort(await dialAsPage(server)))
  expect(await client.words.echo({ text: 'grüß dich 👋' })).toEqual({ text: 'grüß dich 👋' })
})

test('the same token opens a second browser, and the same cookie a second tab', async () => {
  const server = await start()
  const cookie = await cookieOf(server)
  expect(await cookieOf(server)).toBe(cookie)
  for (const _ of [1, 2]) expect(await dial(server.port, { origin: origin(server.port), cookie })).toBeInstanceOf(WebSocket)
})

test('the cookie is for this port only, out of reach of scripts and other sites, and is not the token', async () => {
  const server = await start()
  const { status, headers } = await signIn(server.port, server.token)
  expect(status).toBe(204)
  expect(headers['set-cookie']).toEqual([
    expect.stringMatching(new RegExp(`^fusion-session-${server.port}=[\\w-]{43}; Path=/rpc; HttpOnly; SameSite=Strict$`)),
  ])
  expect(headers['set-cookie']![0]).not.toContain(server.token)
})

test.for([
  ['a wrong token', 'wrong', {}],
  ['a token of the right length', 'A'.repeat(43), {}],
  ['a body that is too long', 'A'.repeat(5000), {}],
  ['the right token from another origin', undefined, { origin: 'http://evil.example' }],
  ['the right token from another port of this computer', undefined, { origin: 'http://127.0.0.1:1' }],
] as const)('%s opens no session', async ([, token, headers]) => {
  const server = await start()
  const answer = await signIn(server.port, token ?? server.token, headers)
  expect(answer).toMatchObject({ status: 403, body: '' })
  expect(answer.headers['set-cookie']).toBeUndefined()
})

test('a page whose name was pointed at this computer gets neither the page, nor a session, nor the socket', async () => {
  const server = await start()
  const rebound = { host: `evil.example:${server.port}`, origin: `http://evil.example:${server.port}` }
  const cookie = await cookieOf(server)
  expect(await ask(server.port, '/', { headers: rebound })).toMatchObject({ status: 421, body: '' })
  expect(await signIn(server.port, server.token, rebound)).toMatchObject({ status: 421 })
  expect(await dial(server.port, { ...rebound, cookie })).toBe(421)
})

test('the socket is refused without the cookie, with a wrong one, and to another origin', async () => {
  const server = await start()
  const cookie = await cookieOf(server)
  const own = { origin: origin(server.port) }
  expect(await dial(server.port, own)).toBe(401)
  expect(await dial(server.port, { ...own, cookie: `fusion-session-${server.port}=${'A'.repeat(43)}` })).toBe(401)
  expect(await dial(server.port, { ...own, cookie: `fusion-session-${server.port}=${server.token}` })).toBe(401)
  expect(await dial(server.port, { cookie })).toBe(403)
  expect(await dial(server.port, { cookie, origin: 'null' })).toBe(403)
  expect(await dial(server.port, { cookie, origin: 'http://evil.example' })).toBe(403)
  // "localhost" is ours too, but a page of one name does not speak for the other.
  expect(await dial(server.port, { cookie, origin: `http://localhost:${server.port}` })).toBe(403)
})

test('neither the token nor the cookie is ever logged', async () => {
  const server = await start()
  const cookie = await cookieOf(server)
  await signIn(server.port, `${server.token}x`)
  await dial(server.port, { cookie })
  const secret = cookie.split('=')[1]!
  expect(server.logged.length).toBeGreaterThan(1)
  expect(server.logged.filter(line => line.includes(server.token) || line.includes(secret))).toEqual([])
})

test('the page is served with a policy that lets it load nothing from elsewhere', async () => {
  const { port } = await start()
  const { status, headers, body } = await ask(port, '/')
  expect({ status, body }).toEqual({ status: 200, body: '<!doctype html><title>Fusion</title>' })
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; font-src 'self'; " +
      "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  })
})

test('files named by their content are kept by the browser, and HEAD sends no body', async () => {
  const { port } = await start()
  const { headers, body } = await ask(port, '/assets/main-a1b2c3.js')
  expect(body).toBe('export {}')
  expect(headers).toMatchObject({
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'public, max-age=31536000, immutable',
  })
  expect(await ask(port, '/assets/main-a1b2c3.js', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
})

test.for([
  '/../../etc/passwd',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/..%2f..%2fetc%2fpasswd',
  '/assets',
  '/%00',
  '/%E0%A4%A',
  '//etc/passwd',
  '/missing.js',
])('%s leads nowhere', async path => {
  const { port } = await start()
  expect(await ask(port, path)).toMatchObject({ status: 404, body: '' })
})

test('a message that is too large closes its socket with code 1009, and the next socket works', async () => {
  const server = await start()
  const socket = await dialAsPage(server)
  socket.send('x'.repeat(MAX_MESSAGE_BYTES + 1))
  const [code] = await once(socket, 'close')
  expect(code).toBe(1009)
  const client = connect(contract, webSocketPort(await dialAsPage(server)))
  expect(await client.words.echo({ text: 'still here' })).toEqual({ text: 'still here' })
})

test.for(['漢', '\u0000'])('the longest question of the contract fits, also where all of it is %j', async character => {
  const server = await start()
  const client = connect(contract, webSocketPort(await dialAsPage(server)))
  const text = character.repeat(8_000_000)
  expect((await client.words.echo({ text })).text === text).toBe(true)
})

test('messages that are no messages of ours are passed over or refused by number, and the socket goes on', async () => {
  const server = await start()
  const socket = await dialAsPage(server)
  const heard: unknown[] = []
  socket.on('message', data => heard.push(JSON.parse((data as Buffer).toString())))
  for (const junk of [
    '',
    '{',
    'null',
    '[]',
    '"text"',
    '{"type":"call"}',
    '{"type":"call","id":-1,"path":"words.echo","input":{}}',
    '{"__proto__":{"id":1}}',
  ])
    socket.send(junk)
  socket.send(Buffer.from([0, 255, 254]))
  socket.send('{"type":"shout","id":7}')
  socket.send('{"type":"call","id":8,"path":"words.constructor","input":{}}')
  socket.send('{"type":"call","id":9,"path":"words.echo","input":{"text":5}}')
  socket.send('{"type":"call","id":10,"path":"words.echo","input":{"text":"fine"}}')
  while (!heard.some(message => (message as { id: number }).id === 10)) await once(socket, 'message')
  expect(heard).toEqual(
    expect.arrayContaining([
      { type: 'error', id: 7, error: expect.objectContaining({ code: 'bad-input' }) },
      { type: 'error', id: 8, error: expect.objectContaining({ code: 'not-found' }) },
      { type: 'error', id: 9, error: expect.objectContaining({ code: 'bad-input' }) },
      { type: 'end', id: 10, value: { text: 'fine' } },
    ]),
  )
  expect(heard).toHaveLength(4)
})

test('a page that does not read is let go before it fills the memory, and its stream ends', async () => {
  const server = await start({ maxWaitingBytes: 4_000_000 })
  const socket = await dialAsPage(server)
  socket.pause()
  socket.send('{"type":"call","id":1,"path":"words.flood","input":{"characters":1000000}}')
  await server.floods.ended
  expect(server.logged.join('')).toContain('page does not read')
})

test('a page that went silent is let go after two heartbeats, and one that answers is not', async () => {
  const server = await start({ heartbeatMs: 30 })
  const silent = await dialAsPage(server)
  const lively = await dialAsPage(server)
  // A paused socket reads no ping, so it sends no pong: like a laptop that sleeps.
  silent.pause()
  for (let pings = 0; pings < 4; pings++) await once(lively, 'ping')
  silent.resume()
  await once(silent, 'close')
  expect(lively.readyState).toBe(WebSocket.OPEN)
})

test('closing ends the sockets of all pages with "going away"', async () => {
  const server = await start()
  const socket = await dialAsPage(server)
  const closed = once(socket, 'close')
  await server.close()
  expect((await closed)[0]).toBe(1001)
})

test('a port that is in use rejects with the reason', async () => {
  const { port, logged } = await start()
  const second = startHttpServer({
    port,
    page: '/',
    log: createLog({ level: 'info', write: line => void logged.push(line) }),
    onPort: () => {},
  })
  await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

test('the code that a browser is started with opens one session, and the printed token any number', async () => {
  const openCode = 'o'.repeat(43)
  const { port, token } = await start({}, openCode)
  const open = async (offered: string) => {
    const headers = { host: `127.0.0.1:${port}`, origin: `http://127.0.0.1:${port}`, 'content-type': 'application/json' }
    return (await ask(port, '/session', { method: 'POST', headers, body: JSON.stringify({ token: offered }) })).status
  }
  expect([await open(openCode), await open(openCode), await open(token), await open(token)]).toEqual([204, 403, 204, 204])
})

/** Sends bytes as they are, and resolves with what came back until the server closed the connection. Never closes its own side. */
function sendRaw(port: number, text: string): Promise<string> {
  const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
  onTestFinished(() => void socket.destroy())
  let heard = ''
  socket.setEncoding('latin1').on('data', (data: string) => (heard += data))
  socket.write(text)
  return new Promise((resolve, reject) => {
    socket.once('end', () => resolve(heard))
    socket.once('error', reject)
  })
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])

test.for([
  ['another name', 'evil.example'],
  ['another port', '127.0.0.1:1'],
  ['no port', '127.0.0.1'],
  ['a dot at the end of the name', 'localhost.:PORT'],
  ['the name in capitals', 'LOCALHOST:PORT'],
  ['a name that begins like ours', '127.0.0.1:PORT.evil.example'],
  ['a name before ours', 'evil.example@127.0.0.1:PORT'],
  ['another way to write the address', '127.1:PORT'],
  ['the address of everybody', '0.0.0.0:PORT'],
  ['the address of IPv6', '[::1]:PORT'],
] as const)('a Host with %s is refused', async ([, host]) => {
  const { port } = await start()
  expect((await ask(port, '/', { headers: { host: host.replace('PORT', String(port)) } })).status).toBe(421)
})

test('what a proxy would say of the host is not believed, and of two hosts the second is not', async () => {
  const { port } = await start()
  const forwarded = { 'x-forwarded-host': `127.0.0.1:${port}`, forwarded: `host=127.0.0.1:${port}`, host: 'evil.example' }
  expect((await ask(port, '/', { headers: forwarded })).status).toBe(421)
  const two = await sendRaw(port, `GET / HTTP/1.1\r\nHost: evil.example\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`)
  expect(statusOf(two)).toBeGreaterThanOrEqual(400)
  // A request without any, as of HTTP/1.0.
  expect(statusOf(await sendRaw(port, 'GET / HTTP/1.0\r\n\r\n'))).toBe(421)
})

test('an address in the request line names no other place than the Host', async () => {
  const { port } = await start()
  const close = `Host: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`
  expect(statusOf(await sendRaw(port, `GET http://evil.example/ HTTP/1.1\r\n${close}`))).toBe(404)
  expect(statusOf(await sendRaw(port, `GET * HTTP/1.1\r\n${close}`))).toBe(404)
  expect(await sendRaw(port, `CONNECT evil.example:80 HTTP/1.1\r\n${close}`)).toBe('')
})

test('nothing is smuggled behind a request whose length is said in two ways', async () => {
  const { port } = await start()
  const head = `POST /session HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nOrigin: http://127.0.0.1:${port}\r\n`
  const hidden = `0\r\n\r\nGET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`
  for (const lengths of [
    'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n',
    'Content-Length: 4\r\nContent-Length: 5\r\n',
    'Transfer-Encoding: chunked, identity\r\n',
  ]) {
    const answers = await sendRaw(port, `${head}${lengths}\r\n${hidden}`)
    expect(answers.match(/^HTTP\/1\.1 /gm)).toHaveLength(1)
    expect(statusOf(answers)).toBe(400)
  }
  // The body of a refused request is no request, either.
  const refused = await sendRaw(port, `PUT / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 400\r\n\r\n${hidden}`)
  expect(refused.match(/^HTTP\/1\.1 /gm)).toHaveLength(1)
})

test.for(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'])('%s of the page is refused', async method => {
  const { port } = await start()
  expect(await ask(port, '/', { method })).toMatchObject({ status: 405, body: '' })
})

test('an address that is far too long is refused, and the server goes on', async () => {
  const { port } = await start()
  expect((await ask(port, `/${'a'.repeat(20_000)}`)).status).toBe(431)
  expect((await ask(port, '/')).status).toBe(200)
})

test('a socket is refused at any path but its own, and to any protocol but its own', async () => {
  const server = await start()
  const own = { origin: origin(server.port), cookie: await cookieOf(server) }
  const upgrade = { ...own, connection: 'Upgrade', upgrade: 'h2c' }
  expect((await ask(server.port, '/rpc', { headers: upgrade })).status).toBe(400)
  for (const path of ['/', '/rpc/', '/rpc?x', '/RPC', '/%72pc', '//rpc'])
    expect([path, (await ask(server.port, path, { headers: { ...upgrade, upgrade: 'websocket' } })).status]).toEqual([path, 404])
})

test('a refused socket is closed, also when the other side keeps its half open', async () => {
  const server = await start()
  const request = `GET /rpc HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`
  const socket = connectTcp({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.on('error', () => {})
  socket.resume().write(request)
  await once(socket, 'end')
  // A side that is still there takes this without a word; one that is closed answers with a reset, which the next writing meets.
  const writing = setInterval(() => socket.write('more'), 10)
  onTestFinished(() => clearInterval(writing))
  await closed
})

test('a thousand pages that come and go leave nothing behind', async () => {
  const server = await start()
  const cookie = await cookieOf(server)
  const headers = { origin: origin(server.port), cookie }
  for (let round = 0; round < 20; round++) {
    const sockets = await Promise.all(Array.from({ length: 50 }, () => dial(server.port, headers)))
    for (const socket of sockets as WebSocket[]) {
      socket.send('{"type":"call","id":1,"path":"words.flood","input":{"characters":10}}')
      if (round % 2 === 0) socket.terminate()
      else socket.close()
    }
  }
  await expect.poll(() => server.floods.open()).toBe(0)
  expect(server.floods.begun()).toBeGreaterThan(500)
})
