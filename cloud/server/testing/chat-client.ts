// How a client reads the events of an answer: over fetch, as the app does.
import { type ChatRequest, type GenerationEvent, seqOf } from '@fusion/shared/contract/cloud/chat.ts'
import { newId } from '@fusion/shared/contract/ids.ts'

export interface Seen {
  seq: number
  event: GenerationEvent
}

export const question = (model: string, more: Partial<ChatRequest> = {}): ChatRequest => ({
  conversation: newId(),
  parent: null,
  question: { id: newId() },
  answer: newId(),
  model,
  prompt: { messages: [{ role: 'user', text: 'What is Fusion?' }] },
  ...more,
})

export interface ChatClient {
  ask(request: ChatRequest, after?: number): Promise<Following>
  resume(generation: string, after: number): Promise<Following>
  call(method: string, path: string): Promise<Response>
}

export interface Following {
  status: number
  /** The next event; undefined at the end of the stream. `server-drain` has the seq 0. */
  next(): Promise<Seen | undefined>
  /** Events up to the one that is as wished. Rejects where the stream ends before it. */
  until(wished: (event: GenerationEvent) => boolean): Promise<Seen[]>
  /** All that is left. */
  rest(): Promise<Seen[]>
  leave(): void
}

export function chatClient(url: string, token: string): ChatClient {
  const headers = { authorization: `Bearer ${token}` }
  async function follow(path: string, generation: string, after: number, init: RequestInit): Promise<Following> {
    const leaving = new AbortController()
    const reply = await fetch(url + path, {
      ...init,
      headers: {
        ...headers,
        ...(init.body && { 'content-type': 'application/json' }),
        ...(after > 0 && { 'last-event-id': `${generation}:${after}` }),
      },
      signal: leaving.signal,
    })
    const events = read(reply, generation)
    const next = async () => (await events.next()).value ?? undefined
    return {
      status: reply.status,
      next,
      async until(wished) {
        const all: Seen[] = []
        for (let seen = await next(); seen; seen = await next()) {
          all.push(seen)
          if (wished(seen.event)) return all
        }
        throw new Error(`the stream ended before: ${JSON.stringify(all)}`)
      },
      async rest() {
        const all: Seen[] = []
        for (let seen = await next(); seen; seen = await next()) all.push(seen)
        return all
      },
      leave: () => leaving.abort(),
    }
  }
  return {
    ask: (request, after = 0) => follow('/v1/chat', request.answer, after, { method: 'POST', body: JSON.stringify(request) }),
    resume: (generation, after) => follow(`/v1/generations/${generation}/events`, generation, after, {}),
    call: (method, path) => fetch(url + path, { method, headers }),
  }
}

async function* read(reply: Response, generation: string): AsyncGenerator<Seen, void, void> {
  let text = ''
  if (!reply.ok || !reply.body) return
  for await (const piece of reply.body.pipeThrough(new TextDecoderStream())) {
    text += piece
    const blocks = text.split('\n\n')
    text = blocks.pop()!
    for (const block of blocks) {
      const lines = new Map(block.split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]))
      const data = lines.get('data')
      if (data === undefined) continue
      yield { seq: seqOf(generation, lines.get('id') ?? '') ?? 0, event: JSON.parse(data) as GenerationEvent }
    }
  }
}

export const textOf = (events: readonly Seen[]): string =>
  events.map(({ event }) => (event.type === 'text-delta' ? event.text : '')).join('')
