import type { ChatEvent } from '@fusion/shared/contract/engine.ts'
import type { Part } from '@fusion/shared/chat/message.ts'
import type { MessageShelf } from './messages.ts'

export type TextDelta = Extract<ChatEvent, { type: 'text-delta' }>

export interface DeltaBatch {
  add(delta: TextDelta): void
  /** Forgets what waits for a message that was just told whole. */
  drop(messageId: string): void
  /** Writes now what would be written with the next frame. */
  flush(): void
}

export interface DeltaBatchOptions {
  shelf: MessageShelf
  /** Calls back with the next frame. */
  schedule: (flush: () => void) => void
  /** A delta did not begin where the text ends: the message has to be read anew. */
  onGap: (messageId: string) => void
}

/** Collects what the model writes and puts it into the growing message once a frame, however many tokens came meanwhile. */
export function createDeltaBatch({ shelf, schedule, onGap }: DeltaBatchOptions): DeltaBatch {
  let waiting = new Map<string, TextDelta[]>()
  let scheduled = false

  function flush(): void {
    scheduled = false
    const batch = waiting
    waiting = new Map()
    for (const [id, deltas] of batch) {
      const message = shelf.get(id)
      if (!message) continue
      const parts = deltas.reduce<Part[] | null>((grown, delta) => grown && grow(grown, delta), message.parts)
      if (parts) shelf.put({ ...message, parts })
      else onGap(id)
    }
  }

  return {
    add(delta) {
      const deltas = waiting.get(delta.messageId)
      if (deltas) deltas.push(delta)
      else waiting.set(delta.messageId, [delta])
      if (scheduled) return
      scheduled = true
      schedule(flush)
    },
    drop: messageId => void waiting.delete(messageId),
    flush,
  }
}

/** The parts with the delta at their end, or null where it does not fit. Text that is known already is not added twice. */
function grow(parts: Part[], delta: TextDelta): Part[] | null {
  let index = parts.length - 1
  while (index >= 0 && parts[index]!.type !== delta.part) index--
  if (index < 0) return delta.at === 0 ? [...parts, { type: delta.part, text: delta.text }] : null
  const part = parts[index]!
  if (part.type !== 'text' && part.type !== 'reasoning') return null
  const known = part.text.length - delta.at
  if (known < 0 || (known > 0 && part.text.slice(delta.at, delta.at + delta.text.length) !== delta.text.slice(0, known))) return null
  const next = [...parts]
  next[index] = { type: part.type, text: part.text + delta.text.slice(known) }
  return next
}

/** With the next frame; in a hidden tab, where no frames come, four times a second. */
export function withNextFrame(callback: () => void): void {
  if (document.hidden) setTimeout(callback, 250)
  else requestAnimationFrame(() => callback())
}
