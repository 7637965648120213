// A cloud that follows the contract, and has the faults that a test wants: over real HTTP, since that is where they happen.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BudgetWarning } from '@fusion/shared/chat/budget-warning.ts'
import type { ChatRequest, GenerationEvent } from '@fusion/shared/contract/cloud/chat.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { FailureBody } from '@fusion/shared/rpc/failure.ts'
import { onTestFinished } from 'vitest'
import type { Choice } from '@fusion/shared/routing/routing-reason.ts'

export interface FaultyCloud {
  address: string
  /** Method and path of every request, in order. */
  asked: string[]
  /** Bodies of the chats that were asked for. */
  questions: ChatRequest[]
  /** Adds events to the log of the newest generation, and sends them to whoever follows. */
  say(...events: GenerationEvent[]): void
  /** Ends every connection in its middle. */
  cut(): void
  /** Tells every follower that this server is about to end, and ends their streams. */
  drain(): void
  /** Answers so, with this status and why, as long as it is given. */
  refuse(status: number | undefined, failure?: FailureBody): void
  /** Access tokens that were given are good no more. */
  spoilTokens(): void
  /** No refresh token is taken any more. */
  endSession(): void
  /** Forgets all generations. */
  forget(): void
  refreshed(): number
  until(what: string, found: () => boolean): Promise<void>
}

export const usage = { promptTokens: 10, cachedTokens: 0, completionTokens: 4 }
export const finish: GenerationEvent = { type: 'generation-finish', reason: 'stop', usage, firstTokenMs: 20, tokensPerSecond: 31 }
export const text = (...pieces: string[]): GenerationEvent[] => pieces.map(piece => ({ type: 'text-delta', text: piece }))

/** `modelReason`: why its one model was chosen, where the choice was left to it; `budgetWarning`: what every answer begins with. */
export async function startFaultyCloud({
  windowTokens = 4096,
  modelReason = { code: 'only-one', model: 'large' },
  budgetWarning,
}: { windowTokens?: number; modelReason?: object; budgetWarning?: object } = {}): Promise<FaultyCloud> {
  const asked: string[] = []
  const questions: ChatRequest[] = []
  let generations = new Map<string, GenerationEvent[]>()
  const followers = new Map<ServerResponse, string>()
  const waiting = new Set<() => void>()
  let refusing: { status: number; why: FailureBody | undefined } | undefined
  let access = 'access-0'
  let refresh = 'refresh-0'
  let over = false
  let refreshes = 0

  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const tellWaiting = () => waiting.forEach(check => check())

  const json = (response: ServerResponse, status: number, body: unknown) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

  function tokens(response: ServerResponse): void {
    refreshes++
    access = `access-${refreshes}`
    refresh = `refresh-${refreshes}`
    json(response, 200, { access_token: access, token_type: 'Bearer', expires_in: 600, refresh_token: refresh })
  }

  const written = (generation: string, events: GenerationEvent[], first: number) =>
    events.map((event, index) => `id: ${generation}:${first + index}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')

  function follow(request: IncomingMessage, response: ServerResponse, generation: string): void {
    const events = generations.get(generation)
    if (!events) return json(response, 404, { error: { code: 'not_found' } })
    const after = Number(/:(\d+)$/.exec(String(request.headers['last-event-id'] ?? ''))?.[1] ?? 0)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    response.write(written(generation, events.slice(after), after + 1))
    if (isEnd(events.at(-1))) return void response.end()
    followers.set(response, generation)
    response.once('close', () => followers.delete(response))
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url!
    asked.push(`${request.method} ${path}`)
    let body = ''
    for await (const chunk of request) body += String(chunk)
    if (refusing) json(response, refusing.status, { error: { code: 'internal', ...(refusing.why && { failure: refusing.why }) } })
    else if (path === '/oauth/token') {
      const form = new URLSearchParams(body)
      const good = form.get('grant_type') === 'refresh_token' ? form.get('refresh_token') === refresh && !over : true
      if (good) tokens(response)
      else json(response, 400, { error: 'invalid_grant' })
    } else if (path === '/oauth/device')
      json(response, 200, {
        device_code: 'device',
        user_code: 'ABCD-EFGH',
        verification_uri: 'http://127.0.0.1/device',
        verification_uri_complete: 'http://127.0.0.1/device?code=ABCD-EFGH',
        expires_in: 600,
        interval: 1,
      })
    else if (path === '/oauth/revoke') json(response, 200, {})
    else if (request.headers.authorization !== `Bearer ${access}` || over) json(response, 401, { error: { code: 'invalid_api_key' } })
    else if (path === '/v1/account')
      json(response, 200, {
        user: { id: newId(), email: 'ada@example.org', name: 'Ada', role: 'member' },
        organisation: { id: newId(), name: 'Example' },
        session: newId(),
      })
    else if (path === '/v1/models') {
      const fusion = { name: 'Large', quantization: 'FP8', state: 'ready' }
      json(response, 200, {
        object: 'list',
        data: [{ id: 'large', object: 'model', created: 0, owned_by: 'example', max_model_len: windowTokens, fusion }],
      })
    } else if (path === '/v1/chat') {
      const question = JSON.parse(body) as ChatRequest
      questions.push(question)
      if (!generations.has(question.answer)) generations.set(question.answer, [started(question, modelReason, budgetWarning)])
      follow(request, response, question.answer)
    } else if (path.endsWith('/events')) follow(request, response, path.split('/')[3]!)
    else if (path.endsWith('/cancel')) json(response, 200, {})
    else json(response, 404, { error: { code: 'not_found' } })
    tellWaiting()
  }

  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    questions,
    say(...events) {
      const [generation, log] = [...generations].at(-1)!
      for (const [response, followed] of followers) {
        if (followed !== generation) continue
        response.write(written(generation, events, log.length + 1))
        if (!isEnd(events.at(-1))) continue
        response.end()
        followers.delete(response)
      }
      log.push(...events)
    },
    cut: () => followers.forEach((_, response) => response.destroy()),
    drain() {
      followers.forEach((_, response) => response.end('event: server-drain\ndata: {"type":"server-drain"}\n\n'))
      followers.clear()
    },
    refuse: (status, why) => (refusing = status === undefined ? undefined : { status, why }),
    spoilTokens: () => (access = 'none'),
    endSession: () => (over = true),
    forget: () => (generations = new Map()),
    refreshed: () => refreshes,
    until: (what, found) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`the cloud never saw ${what}`)), 20_000)
        const check = () => {
          if (!found()) return
          clearTimeout(timer)
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      }),
  }
}

const isEnd = (event: GenerationEvent | undefined) =>
  event !== undefined && ['generation-finish', 'generation-stop', 'generation-fail'].includes(event.type)

/** "auto" leaves the choice to the cloud. The reason may be one that no app knows, and so may the budget. */
const started = ({ answer, model }: ChatRequest, modelReason: object, budgetWarning: object | undefined): GenerationEvent => ({
  type: 'generation-start',
  generation: answer,
  model: 'large',
  modelName: 'Large',
  ...(model === 'auto' && { modelReason: modelReason as Choice }),
  ...(budgetWarning && { budgetWarning: budgetWarning as BudgetWarning }),
})
