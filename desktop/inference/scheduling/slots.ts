import type { NativeContext } from '../native.ts'

/** An answer whose tokens lie in a slot: what it was sampled as, so that a later prompt can name it by the same tokens. */
export interface KeptAnswer {
  at: number
  tokens: readonly number[]
}

/** One sequence of the context, and whose KV state lies in it. */
export interface Slot {
  readonly id: number
  chatId: string | undefined
  /** Exactly what the KV cache holds. */
  tokens: number[]
  answers: KeptAnswer[]
  /** Order of use: the smallest was used longest ago. */
  used: number
  busy: boolean
  /** Computed since it was saved or loaded. */
  dirty: boolean
}

export interface Slots {
  readonly all: readonly Slot[]
  of(chatId: string): Slot | undefined
  /**
   * The chat's own slot, or one beside those that compute, or any; of several the one that idles longest. What is in it will be lost.
   * Undefined when all are busy. Beside, because llama.cpp computes only neighbouring sequences in one step (4 chats: 54 ms, every other one 67).
   */
  candidate(chatId: string): Slot | undefined
  /** Gives a slot to a chat, empty unless it was the chat's own. */
  take(slot: Slot, chatId: string): void
  release(slot: Slot): void
  empty(slot: Slot): void
  /** Cuts the slot back to what `tokens` begins with, and says how much that is. At least one token is left to compute, for its logits. */
  keepPrefix(slot: Slot, tokens: readonly number[]): number
}

/** Keeps account of the context's sequences. Call only while nothing is decoding. */
export function createSlots(context: NativeContext, count: number): Slots {
  const all: Slot[] = Array.from({ length: count }, (_, id) => ({
    id,
    chatId: undefined,
    tokens: [],
    answers: [],
    used: 0,
    busy: false,
    dirty: false,
  }))
  let clock = 0

  function empty(slot: Slot): void {
    if (slot.tokens.length > 0) context.disposeSequence(slot.id)
    slot.tokens = []
    slot.answers = []
    slot.dirty = false
  }

  const of = (chatId: string) => all.find(slot => slot.chatId === chatId)
  return {
    all,
    of,
    candidate(chatId) {
      const own = of(chatId)
      if (own) return own.busy ? undefined : own
      const idle = all.filter(({ busy }) => !busy).toSorted((a, b) => a.used - b.used)
      return idle.find(({ id }) => all[id - 1]?.busy || all[id + 1]?.busy) ?? idle[0]
    },
    take(slot, chatId) {
      if (slot.chatId !== chatId) empty(slot)
      slot.chatId = chatId
      slot.busy = true
      slot.used = ++clock
    },
    release(slot) {
      slot.busy = false
      slot.used = ++clock
    },
    empty,
    keepPrefix(slot, tokens) {
      const limit = Math.min(slot.tokens.length, tokens.length - 1)
      let same = 0
      while (same < limit && slot.tokens[same] === tokens[same]) same++
      if (same < slot.tokens.length) {
        if (same > 0 && context.removeTokenCellsFromSequence(slot.id, same, slot.tokens.length)) slot.tokens.length = same
        // Recurrent models cannot forget the end alone.
        else empty(slot)
        slot.answers = slot.answers.filter(answer => answer.at + answer.tokens.length <= slot.tokens.length + 1)
      }
      return slot.tokens.length
    },
  }
}
