// The only file of the command line that opens a connection: to this person's own engine, on 127.0.0.1.
import { once } from 'node:events'
import { createConnection } from 'node:net'
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

/** Goes in by the door that the engine's file names. Undefined: there is nobody, or not who took this token. */
export async function dial(door: NonNullable<EngineFile['door']>): Promise<Connection | undefined> {
  try {
    const socket = 'port' in door ? await throughServer(door) : throughLocalSocket(door)
    if (!socket) return undefined
    await once(socket, 'open')
    return { fusion: connect(engineContract, webSocketPort(socket)), close: () => socket.close() }
  } catch {
    return undefined
  }
}

/** As a browser does: the token for a session, the session for a socket. */
async function throughServer({ port, token }: { port: number; token: string }): Promise<WebSocket | undefined> {
  const origin = `http://127.0.0.1:${port}`
  const signal = AbortSignal.timeout(DIAL_MS)
  const body = JSON.stringify({ token })
  const session = await fetch(`${origin}/session`, { method: 'POST', headers: { origin }, body, signal, redirect: 'error' })
  await session.body?.cancel()
  const cookie = session.headers.get('set-cookie')?.split(';')[0]
  if (!session.ok || !cookie) return undefined
  return new WebSocket(`ws://127.0.0.1:${port}/rpc`, { headers: { cookie }, origin, handshakeTimeout: DIAL_MS })
}

function throughLocalSocket({ socket, token }: { socket: string; token: string }): WebSocket {
  return new WebSocket('ws://localhost/rpc', {
    // In place of a connection to the host that the address names.
    createConnection: () => createConnection(socket),
    headers: { authorization: `Bearer ${token}` },
    handshakeTimeout: DIAL_MS,
  })
}
