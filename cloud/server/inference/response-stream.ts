import { askServers, type Watch } from './ask-servers.ts'
import type { EventStream } from './model-server.ts'
import type { Models, Wanted } from './models.ts'
import { beginWaiting, type Patience } from './token-patience.ts'

export interface AskedResponse {
  models: Models
  wanted: Wanted
  body: Record<string, unknown>
  patience: Patience
  watch: Watch
  signal: AbortSignal
}

export interface ResponseEvent {
  data: string
  /** Of the event; undefined where it has none. */
  name: string | undefined
  /** Of its last event. */
  usage: unknown
  isDelta: boolean
}

/**
 * The events of OpenAI's responses, as a server sends them. Another one is asked before the first delta; a response that has begun is not gone on
 * with, since its events hold no tokens. Throws what `askServers` throws.
 */
export function streamResponse({
  models,
  wanted,
  body,
  patience,
  watch,
  signal,
}: AskedResponse): AsyncGenerator<ResponseEvent, void, void> {
  return askServers({
    models,
    wanted,
    signal,
    watch,
    isProgress,
    ask: async function* ({ server, isWell }) {
      // Nothing comes of a reasoning that is to be left out.
      const waiting = beginWaiting(patience, signal, ms => body['include_reasoning'] === false && isWell(ms))
      let events: EventStream | undefined
      try {
        events = await server.stream('/v1/responses', body, waiting.until)
        for (let come = await events.next(); come; come = await events.next()) {
          for (const { event, data } of come) {
            const told = read(event)
            waiting.came(isProgress(told))
            yield { ...told, data }
          }
          waiting.wait()
        }
      } finally {
        events?.leave()
        waiting.end()
      }
    },
  })
}

const begins = new Set(['response.created', 'response.in_progress'])
const isProgress = ({ name, isDelta }: Pick<ResponseEvent, 'name' | 'isDelta'>) => isDelta || (name !== undefined && !begins.has(name))

function read(event: unknown): Omit<ResponseEvent, 'data'> {
  const { type, response } = (event ?? {}) as { type?: unknown; response?: { usage?: unknown } | null }
  const name = typeof type === 'string' && /^[\w.-]{1,100}$/.test(type) ? type : undefined
  return { name, usage: response?.usage ?? undefined, isDelta: name?.endsWith('.delta') ?? false }
}
