// Answers over one WebSocket: several at once, each event with its generation and seq.
import websocket, { type WebSocket } from '@fastify/websocket'
import { type ChatRequest, chatRoutes, MAX_SOCKET_MESSAGE, SocketCommand, type SocketMessage } from '@fusion/shared/contract/cloud/chat.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Compile } from 'typebox/compile'
import type { Caller } from '../caller.ts'
import type { Generations } from './generations.ts'
import type { AnswerRequest } from './make-answer.ts'

interface SocketParts {
  generations: Generations
  planned(caller: Caller, request: ChatRequest): Promise<AnswerRequest>
}

/** Whoever connects has so long to say who they are. */
const HELLO_MS = 10_000
/** Proxies in front of us end what is silent for a minute; a socket that did not answer the ping before is dead. */
const PING_MS = 25_000
/** A reader that takes nothing for so long is let go: it can ask for the rest when it is back. */
const SLOW_MS = 60_000
/** A client that does not answer the close is waited for so long. */
const CLOSE_MS = 2_000
const MOST_FOLLOWED = 16
/** RFC 6455, and IANA's registry: 1008 policy, 1012 service restart. */
const POLICY = 1008
const RESTART = 1012

const command = Compile(SocketCommand)

export async function serveSocket(app: FastifyInstance, parts: SocketParts): Promise<void> {
  const { generations } = parts
  const sockets = new Set<WebSocket>()
  const silent = new WeakSet<WebSocket>()

  await app.register(websocket, {
    options: { maxPayload: MAX_SOCKET_MESSAGE },
    errorHandler: (_error, socket) => socket.terminate(),
    preClose(done) {
      sendAway()
      done()
    },
  })

  const pinging = setInterval(() => {
    for (const socket of sockets) {
      if (silent.has(socket)) socket.terminate()
      else {
        silent.add(socket)
        socket.ping()
      }
    }
  }, PING_MS)
  pinging.unref()
  app.addHook('onClose', async () => clearInterval(pinging))

  /** Each is told that another server has the rest. */
  function sendAway(): void {
    for (const socket of sockets) leave(socket)
    setTimeout(() => sockets.forEach(socket => socket.terminate()), CLOSE_MS).unref()
  }
  generations.onDrain(sendAway)

  app.route({
    method: 'GET',
    url: chatRoutes.socket.path,
    config: { described: chatRoutes.socket },
    async handler() {
      throw new WrongRequest('This address is for WebSockets.', { code: 'upgrade_required', status: 426 })
    },
    wsHandler(socket, request) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      socket.on('pong', () => silent.delete(socket))
      if (generations.isDraining()) leave(socket)
      else attend(app, parts, socket, request)
    },
  })
}

function leave(socket: WebSocket): void {
  socket.send(JSON.stringify({ type: 'server-drain' } satisfies SocketMessage), () => {})
  socket.close(RESTART)
}

/** Does what the client on this socket says, one command after the other. */
function attend(app: FastifyInstance, { generations, planned }: SocketParts, socket: WebSocket, request: FastifyRequest): void {
  const { ip, log } = request
  const gone = new AbortController()
  const following = new Map<string, AbortController>()
  let { authorization } = request.headers
  let unnamed: NodeJS.Timeout | undefined
  if (authorization === undefined) unnamed = setTimeout(() => socket.close(POLICY), HELLO_MS)
  socket.once('close', () => {
    clearTimeout(unnamed)
    gone.abort()
  })

  let waiting = 0
  let line = Promise.resolve()
  socket.on('message', (data, isBinary) => {
    // What is not read yet waits with the client.
    socket.pause()
    waiting += 1
    line = line
      .then(() => obey(isBinary ? undefined : parse((data as Buffer).toString())))
      .finally(() => {
        waiting -= 1
        if (waiting === 0) socket.resume()
      })
  })

  async function obey(said: SocketCommand | undefined): Promise<void> {
    if (gone.signal.aborted) return
    const generation = said?.type === 'chat' ? said.request.answer : said && 'generation' in said ? said.generation : null
    try {
      if (said?.type === 'hello') {
        authorization = `Bearer ${said.accessToken}`
        await enter()
        clearTimeout(unnamed)
        await send({ type: 'welcome' })
      } else if (authorization === undefined) socket.close(POLICY)
      else if (!said) throw failure('bad-input')
      else await act(await enter(), said)
    } catch (error) {
      await refuse(generation, error)
    }
  }

  /** Asked anew for each command, as for a request: sessions end, and so much may be asked in a minute. */
  async function enter(): Promise<Caller> {
    const caller = await app.enter(chatRoutes.chat, { headers: { authorization }, ip, log })
    if (!caller) throw failure('signed-out')
    return caller
  }

  async function act(caller: Caller, said: Exclude<SocketCommand, { type: 'hello' }>): Promise<void> {
    switch (said.type) {
      case 'chat': {
        const { request: asked, after = 0 } = said
        makeRoom(asked.answer)
        await generations.begin(caller, asked, () => planned(caller, asked))
        void follow(caller, asked.answer, after)
        return
      }
      case 'resume':
        makeRoom(said.generation)
        void follow(caller, said.generation, said.after)
        return
      case 'cancel':
        await generations.cancel(caller, said.generation)
    }
  }

  function makeRoom(generation: string): void {
    following.get(generation)?.abort()
    following.delete(generation)
    if (following.size >= MOST_FOLLOWED) throw failure('overloaded', undefined, { retryable: true })
  }

  /** As fast as the client takes them: the next batch is read from the log when the one before is on its way. */
  async function follow(caller: Caller, generation: string, after: number): Promise<void> {
    const stop = new AbortController()
    following.set(generation, stop)
    const signal = AbortSignal.any([stop.signal, gone.signal])
    try {
      for await (const batch of generations.follow(caller, generation, after, signal)) {
        if (signal.aborted) return
        const slow = setTimeout(() => socket.terminate(), SLOW_MS)
        await Promise.all(batch.map(({ seq, event }) => send({ type: 'event', generation, seq, event })))
        clearTimeout(slow)
      }
    } catch (error) {
      await refuse(generation, error)
    } finally {
      if (following.get(generation) === stop) following.delete(generation)
    }
  }

  /** Resolves when it is on its way, or the socket is closed. */
  function send(message: SocketMessage): Promise<void> {
    return new Promise(resolve => socket.send(JSON.stringify(message), () => resolve()))
  }

  async function refuse(generation: string | null, error: unknown): Promise<void> {
    app.told(error, request)
    await send({ type: 'refuse', generation, failure: Failure.toBody(error) })
  }
}

function parse(text: string): SocketCommand | undefined {
  try {
    const said: unknown = JSON.parse(text)
    return command.Check(said) ? said : undefined
  } catch {
    return undefined
  }
}
