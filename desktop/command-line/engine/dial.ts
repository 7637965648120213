// The only file of the command line that opens a connection: to this person's own engine, on 127.0.0.1.
import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { EngineFile } from '../../engine/engine-file.ts'
import { type EngineContract, engineContract } from '@fusion/shared/contract/engine.ts'
import { connect } from '@fusion/shared/rpc/connect.ts'
import type { Client } from '@fusion/shared/rpc/contract.ts'
import { webSocketPort } from '@fusion/shared/rpc/web-socket.ts'

export interface Connection {
  fusion: Client<EngineContract>
  close(): void
}

/** An engine that works answers this at once, also under load. */
const DIAL_MS = 5000

/** Goes in as a browser does: the token for a session, the session for a socket. Undefined: there is nobody, or not who took this token. */
export async function dial({ port, token }: NonNullable<EngineFile['door']>): Promise<Connection | undefined> {
  const origin = `http://127.0.0.1:${port}`
  const signal = AbortSignal.timeout(DIAL_MS)
  try {
    const body = JSON.stringify({ token })
    const session = await fetch(`${origin}/session`, { method: 'POST', headers: { origin }, body, signal, redirect: 'error' })
    await session.body?.cancel()
    const cookie = session.headers.get('set-cookie')?.split(';')[0]
    if (!session.ok || !cookie) return undefined
    const socket = new WebSocket(`ws://127.0.0.1:${port}/rpc`, { headers: { cookie }, origin, handshakeTimeout: DIAL_MS })
    await once(socket, 'open')
    return { fusion: connect(engineContract, webSocketPort(socket)), close: () => socket.close() }
  } catch {
    return undefined
  }
}
