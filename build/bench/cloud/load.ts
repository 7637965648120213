// Asks a server as fast as it answers, each connection one request after the other. Over bare sockets: what asks has to take far less of the
// machine than what answers, and any HTTP client for Node takes as much.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { quantile } from '../statistics.ts'

/** One connection's part in it. */
export interface Asker {
  /** The next request, as it goes over the wire. */
  next(): string
  /** Gets what came back, where the next request depends on it. */
  answered?(body: string): void
}

export interface Load {
  perSecond: number
  p50: number
  p99: number
}

/** The wire form of a request without a body, or with one. */
export function written(
  method: string,
  path: string,
  { token, body, type = 'application/json' }: { token?: string; body?: string; type?: string },
): string {
  const lines = [`${method} ${path} HTTP/1.1`, 'host: 127.0.0.1']
  if (token !== undefined) lines.push(`authorization: Bearer ${token}`)
  if (body !== undefined) lines.push(`content-type: ${type}`, `content-length: ${Buffer.byteLength(body)}`)
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`
}

/** Asks for so long. Any answer but 200 fails it: a server that refuses is fast. */
export async function load(port: number, askers: Asker[], forMs: number): Promise<Load> {
  const latencies: number[] = []
  const startedAt = performance.now()
  const until = startedAt + forMs
  await Promise.all(askers.map(asker => askOver(port, asker, until, latencies)))
  const seconds = (performance.now() - startedAt) / 1000
  return { perSecond: latencies.length / seconds, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) }
}

async function askOver(port: number, asker: Asker, until: number, latencies: number[]): Promise<void> {
  const socket = connect(port, '127.0.0.1').setNoDelay()
  await once(socket, 'connect')
  try {
    await new Promise<void>((resolve, reject) => {
      let sentAt = 0
      let received: Buffer[] = []
      let missing = 0
      const send = () => {
        sentAt = performance.now()
        socket.write(asker.next())
      }
      socket.on('data', data => {
        if (received.length === 0) missing = lengthOf(data)
        received.push(data)
        missing -= data.length
        if (missing > 0) return
        latencies.push(performance.now() - sentAt)
        const whole = Buffer.concat(received)
        received = []
        if (whole.subarray(9, 12).toString('latin1') !== '200')
          return reject(new Error(`The server answered ${whole.subarray(0, 300).toString()}`))
        asker.answered?.(whole.subarray(whole.indexOf('\r\n\r\n') + 4).toString())
        if (performance.now() < until) send()
        else resolve()
      })
      ends(socket, reject)
      send()
    })
  } finally {
    socket.destroy()
  }
}

/** Of the whole reply, whose head came in one piece. */
function lengthOf(data: Buffer): number {
  const end = data.indexOf('\r\n\r\n')
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(data.subarray(0, end + 2).toString('latin1'))
  if (end < 0 || !length) throw new Error('The reply has no length')
  return end + 4 + Number(length[1])
}

function ends(socket: Socket, reject: (error: Error) => void): void {
  socket.once('error', reject)
  socket.once('close', () => reject(new Error('The server closed a connection')))
}
