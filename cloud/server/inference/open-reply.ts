import { once } from 'node:events'
import type { FastifyReply } from 'fastify'

/** A reply is held back for its first piece so long: until then an error is told by status. */
const HOLD_MS = 5_000
/** One that was silent for so long is given a sign of life, after twice as long at most: proxies close what is silent for half a minute. */
const COMMENT_MS = 10_000

/**
 * A stream of server-sent events whose headers wait for its first piece, or for 5 s; from then on comments keep the connection alive while
 * nothing comes. What its headers say beside that stands on the raw reply. `gone` aborts when nobody waits for it any more.
 */
export function createOpenReply(reply: FastifyReply, gone: AbortSignal) {
  let opened = false
  /** Since the last look: a timer that is set anew for each piece would take as long as writing it. */
  let silent = true
  let timer = setTimeout(keepAlive, HOLD_MS)

  function open(): void {
    opened = true
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  }

  function keepAlive(): void {
    if (gone.aborted) return
    if (!opened) open()
    // One that has not taken the last is not sent more.
    if (silent && !reply.raw.writableNeedDrain) reply.raw.write(': waiting\n\n')
    silent = true
    timer = setTimeout(keepAlive, COMMENT_MS)
  }

  return {
    isOpen: () => opened,
    /** A client that takes nothing holds up the model server, and not our memory: then it is waited for. Throws the reason of `gone`. */
    write(text: string): Promise<unknown> | undefined {
      if (gone.aborted) throw gone.reason
      if (!opened) {
        clearTimeout(timer)
        open()
        timer = setTimeout(keepAlive, COMMENT_MS)
      }
      silent = false
      return reply.raw.write(text) ? undefined : once(reply.raw, 'drain', { signal: gone })
    },
    /** Nothing more is held back. Whoever has not opened it tells an error by status. */
    stop: () => clearTimeout(timer),
    end(text?: string): void {
      clearTimeout(timer)
      if (!opened) open()
      reply.raw.end(text)
    },
    /** The client has left before anything was written: nobody is told anything. */
    leave(): void {
      clearTimeout(timer)
      if (!opened) reply.hijack()
    },
  }
}
