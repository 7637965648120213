import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { asApiError } from '@fusion/shared/openai/failure.ts'
import { sendError } from './respond.ts'

/** Until then the headers wait, so that what fails early has a status of its own. */
const HEADERS_MS = 5_000
/** Proxies and clients give up on connections that are silent for long; vLLM's drop at 60 s. */
const COMMENT_MS = 15_000
/** Who does not read for so long is as good as gone: its answer holds a place that others wait for. */
const UNREAD_MS = 60_000

/** An answer as server-sent events. */
export interface EventStream {
  /** Sends one event, and waits while the client does not read. `event` names it, where its readers want a name. */
  send(data: unknown, event?: string): Promise<void>
  /** Ends the answer well, with OpenAI's last line where its route has one. */
  end(last?: '[DONE]'): void
  /** Ends it with an error: by its status, or, where the headers are out, as an event. */
  fail(error: unknown): void
}

/**
 * The headers go out with the first event, or after five seconds. Comments keep the connection wherever nothing comes for long: while a model is
 * loaded, while a long prompt is computed, while a person goes first. `signal` aborts when the response closes.
 */
export function openEventStream(response: ServerResponse, signal: AbortSignal, headers: Record<string, string>): EventStream {
  let next = setTimeout(comment, HEADERS_MS)
  let drained: Promise<unknown> | undefined

  function comment(): void {
    begin()
    response.write(': waiting\n\n')
    commentLater()
  }
  function commentLater(): void {
    clearTimeout(next)
    next = setTimeout(comment, COMMENT_MS)
  }

  function begin(): void {
    if (response.headersSent) return
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', ...headers })
    // Each event goes out by itself, not with the next one.
    response.socket?.setNoDelay(true)
  }
  /** Several answers of one request wait for it together. */
  async function drain(): Promise<void> {
    const unread = setTimeout(() => response.destroy(), UNREAD_MS)
    try {
      await once(response, 'drain', { signal })
    } finally {
      clearTimeout(unread)
      drained = undefined
    }
  }
  const quiet = () => clearTimeout(next)
  response.once('close', quiet)

  return {
    async send(data, event) {
      begin()
      commentLater()
      const name = event === undefined ? '' : `event: ${event}\n`
      if (!response.write(`${name}data: ${JSON.stringify(data)}\n\n`)) await (drained ??= drain())
    },
    end(last) {
      quiet()
      begin()
      response.end(last === undefined ? undefined : `data: ${last}\n\n`)
    },
    fail(error) {
      quiet()
      if (response.headersSent) response.end(`data: ${JSON.stringify(asApiError(error).body)}\n\n`)
      else sendError(response, error, headers)
    },
  }
}
