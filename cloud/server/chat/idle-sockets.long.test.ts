// Ten thousand people who have the app open and say nothing, at one server.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { question, chatClient, textOf } from '../testing/chat-client.ts'
import { MODEL, startScriptedServer } from '../testing/scripted-server.ts'
import { makeFirstAccount, signInOnPage } from '../testing/sign-in.ts'

const SOCKETS = 10_000
/** Opened at once: below what the listening socket's backlog holds. */
const TOGETHER = 100
/** Whoever did not answer a ping is let go at the next one: two of them, 25 s apart, and some time. */
const PINGS_MS = 60_000

test('ten thousand idle WebSockets stay, answers come beside them, and all they took is given back', async () => {
  const servers = await startScriptedServer()
  onTestFinished(servers.close)
  const { url, pid } = await startServer(servers.url)
  const token = await signInOnPage(url)
  const files = async () => (await readdir(`/proc/${pid}/fd`)).length
  const before = await files()
  const sockets: Idle[] = []
  while (sockets.length < SOCKETS) sockets.push(...(await Promise.all(Array.from({ length: TOGETHER }, () => open(url, token)))))
  expect(await files()).toBeGreaterThan(SOCKETS)

  await new Promise(resolve => setTimeout(resolve, PINGS_MS))
  expect(sockets.filter(({ socket }) => socket.destroyed).length).toBe(0)
  expect(Math.min(...sockets.map(({ pings }) => pings()))).toBeGreaterThanOrEqual(2)

  const following = await chatClient(url, token).ask(question(MODEL))
  const answer = await servers.next()
  answer.say('Still here.')
  answer.finish()
  expect(textOf(await following.rest())).toBe('Still here.')
  sockets[0]!.socket.write(frameOf({ type: 'hello', accessToken: token }))
  await sockets[0]!.said('welcome')

  for (const { socket } of sockets) socket.destroy()
  await expect.poll(files, { timeout: 30_000 }).toBeLessThan(before + 50)
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
}, 300_000)

async function startServer(models: string): Promise<{ url: string; pid: number }> {
  const home = await mkdtemp(join(tmpdir(), 'fusion-cloud-'))
  const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts')], {
    env: {
      ...process.env,
      FUSION_HOME: home,
      FUSION_CLOUD_PORT: '0',
      FUSION_LOG: 'error',
      FUSION_LIMIT_USER: '0',
      FUSION_LIMIT_ORGANISATION: '0',
      FUSION_LIMIT_ADDRESS: '0',
      MODEL_SERVERS: JSON.stringify([{ url: models }]),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(async () => {
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
    await rm(home, { recursive: true, force: true })
  })
  const lines = createInterface({ input: child.stdout })
  let link = ''
  const url = await new Promise<string>((resolve, reject) => {
    lines.on('line', line => {
      link = /^Make the first account.*: (\S+)$/.exec(line)?.[1] ?? link
      const ready = /^Fusion Cloud is ready at (\S+)$/.exec(line)
      if (ready) resolve(ready[1]!)
    })
    child.once('exit', code => reject(new Error(`the cloud ended with ${code}`)))
  })
  await makeFirstAccount(link)
  return { url, pid: child.pid! }
}

interface Idle {
  socket: Socket
  pings(): number
  /** Resolves when the server said something with this in it. */
  said(text: string): Promise<void>
}

async function open(url: string, token: string): Promise<Idle> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.write(
    `GET /v1/chat/socket HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
      'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  const [first] = (await once(socket, 'data')) as [Buffer]
  expect(first.toString('latin1')).toContain(' 101 ')
  let pings = 0
  let text = ''
  socket.on('data', (data: Buffer) => {
    text += data.toString('latin1')
    // A ping, without words of its own; its pong is masked with zeros.
    if (data[0] !== 0x89) return
    pings += 1
    socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]))
  })
  return {
    socket,
    pings: () => pings,
    async said(wished) {
      while (!text.includes(wished)) await once(socket, 'data')
    },
  }
}

/** A text message as a client sends it, masked with zeros. */
function frameOf(said: object): Buffer {
  const bytes = Buffer.from(JSON.stringify(said))
  return Buffer.concat([Buffer.from([0x81, 0x80 | 126, bytes.length >> 8, bytes.length & 0xff, 0, 0, 0, 0]), bytes])
}
