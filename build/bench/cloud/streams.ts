import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { chatClient, question } from '../../../cloud/server/testing/chat-client.ts'
import { MODEL } from '../../../cloud/server/testing/scripted-server.ts'
import { residentMb } from '../fusion.ts'
import { judge, type Row } from '../report.ts'
import { written } from './load.ts'
import type { CloudSetting } from './setting.ts'

const GOAL = { of: 'ours', sense: 'at most', value: 40 } as const
/** Opened at once: below what the listening socket's backlog holds. */
const TOGETHER = 100

/** What an open connection takes of the server: followers of answers that are being written, and WebSockets on which nothing is said. */
export async function streams(setting: CloudSetting): Promise<Row[]> {
  const { quick, url, writers, models } = setting
  const count = quick ? 1_000 : 10_000
  const asked = await Promise.all(
    writers.map(async ({ accessToken }) => {
      const asking = question(MODEL)
      const following = await chatClient(url, accessToken).ask(asking)
      const answer = await models.next()
      answer.say('It begins.')
      return { asking, following, answer, accessToken }
    }),
  )
  const follow = (index: number) => {
    const { asking, accessToken } = asked[index % asked.length]!
    return written('GET', `/v1/generations/${asking.answer}/events`, { token: accessToken })
  }
  const upgrade = (index: number) =>
    written('GET', '/v1/chat/socket', { token: writers[index % writers.length]!.accessToken }).replace(
      '\r\n\r\n',
      '\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
  // Once before: what the first ones bring along (code, tables, buffers that the process keeps) is not of each.
  await grownTo(setting, count / 10, upgrade, '101 ')
  await grownTo(setting, count / 10, follow, 'It begins.')
  const before = await settled(setting.cloud.pid)
  const sockets = (await grownTo(setting, count, upgrade, '101 ')) - before
  // From the same beginning: memory that the sockets left behind is counted again, rather than hide what these take.
  const followers = (await grownTo(setting, count, follow, 'It begins.')) - before
  for (const { following, answer } of asked) {
    answer.finish()
    following.leave()
  }
  const row = (what: string, mb: number) => judge(what, 'kB', [{ ours: (mb * 1024) / count, reference: null }], GOAL)
  return [
    row(`${count} idle WebSockets: resident memory, each`, sockets),
    row(`${count} streams of answers under way (SSE): resident memory, each`, followers),
  ]
}

/** Resident memory of the server, in MB, while so many connections are open. `first`: what says that one is. */
async function grownTo({ cloud }: CloudSetting, count: number, request: (index: number) => string, first: string): Promise<number> {
  const sockets: Socket[] = []
  try {
    while (sockets.length < count) {
      const next = Array.from({ length: Math.min(TOGETHER, count - sockets.length) }, (_, index) => sockets.length + index)
      sockets.push(...(await Promise.all(next.map(index => open(cloud.port, request(index), first)))))
    }
    const grown = await settled(cloud.pid)
    if (sockets.some(socket => socket.destroyed)) throw new Error('The server closed a connection')
    return grown
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

async function open(port: number, request: string, first: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(request)
  let text = ''
  while (!text.includes(first)) text += ((await once(socket, 'data')) as [Buffer])[0].toString('latin1')
  socket.on('data', data => {
    // A ping of the server; the pong is masked with zeros. Whoever does not answer is taken for dead.
    if (data[0] === 0x89) socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]))
  })
  return socket
}

/** Resident memory of the server when it has collected its garbage, in MB. */
async function settled(pid: number): Promise<number> {
  process.kill(pid, 'SIGUSR2')
  // Freed pages go back to the system in the background.
  await sleep(3_000)
  process.kill(pid, 'SIGUSR2')
  await sleep(1_000)
  return residentMb(pid) ?? Number.NaN
}
