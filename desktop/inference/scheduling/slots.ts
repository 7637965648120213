import type { NativeContext } from '../native.ts'

/** An answer whose tokens lie in a slot: what it was sampled as, so that a later prompt can name it by the same tokens. */
export interface KeptAnswer {
  at: number
  tokens: readonly number[]
}

/** One sequence of the context, and whose KV state lies in it. */
export interface Slot {
  readonly id: number
  /** undefined: of no chat. What is in it then comes from a program's request. */
  chatId: string | undefined
  /** Where it is of no chat, the program whose request it was. */
  program: string | undefined
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
   * The chat's own slot, or one of no chat, or any; of several one beside those that compute, then the one that idles longest. What is in it
   * will be lost. Undefined when all are busy. Beside, because llama.cpp computes only neighbouring sequences in one step (4 chats: 54 ms,
   * every other one 67).
   */
  candidate(chatId: string): Slot | undefined
  /**
   * For a program's request: the slot whose KV state serves it best, or an empty one, or that of the program that idles longest. A chat's only
   * when nothing else is idle.
   */
  programCandidate(program: string | undefined, tokens: readonly number[]): Slot | undefined
  /** Gives a slot to a chat, empty unless it was the chat's own; or to a program (null), with what is in it unless that was a chat's. */
  take(slot: Slot, chatId: string | null, program?: string): void
  release(slot: Slot): void
  empty(slot: Slot): void
  /** Cuts the slot back to what `tokens` begins with, and says how much that is. At least one token is left to compute, for its logits. */
  keepPrefix(slot: Slot, tokens: readonly number[]): number
}

/** How many tokens both begin with. */
function sameBeginning(a: readonly number[], b: readonly number[]): number {
  const limit = Math.min(a.length, b.length)
  let same = 0
  while (same < limit && a[same] === b[same]) same++
  return same
}

/** Keeps account of the context's sequences. Call only while nothing is decoding. */
export function createSlots(context: NativeContext, count: number): Slots {
  const all: Slot[] = Array.from({ length: count }, (_, id) => ({
    id,
    chatId: undefined,
    program: undefined,
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

  const beside = (idle: readonly Slot[]) => idle.find(({ id }) => all[id - 1]?.busy || all[id + 1]?.busy) ?? idle[0]
  const of = (chatId: string) => all.find(slot => slot.chatId === chatId)
  return {
    all,
    of,
    candidate(chatId) {
      const own = of(chatId)
      if (own) return own.busy ? undefined : own
      const idle = all.filter(({ busy }) => !busy).toSorted((a, b) => a.used - b.used)
      const free = idle.filter(slot => slot.chatId === undefined)
      return beside(free.filter(({ tokens }) => tokens.length === 0)) ?? beside(free) ?? beside(idle)
    },
    programCandidate(program, tokens) {
      const idle = all.filter(({ busy }) => !busy).toSorted((a, b) => a.used - b.used)
      const free = idle.filter(slot => slot.chatId === undefined)
      const begun = free.filter(slot => slot.program === program).map(slot => ({ slot, same: sameBeginning(slot.tokens, tokens) }))
      // Worth it where no more is lost than used: two programs with one word in common keep their states.
      const fitting = begun.filter(({ slot, same }) => same > 0 && same * 2 >= slot.tokens.length)
      const best = fitting.toSorted((a, b) => b.same - a.same)[0]?.slot
      return best ?? beside(free.filter(slot => slot.tokens.length === 0)) ?? beside(free) ?? beside(idle)
    },
    take(slot, chatId, program) {
      if (slot.chatId !== (chatId ?? undefined) || slot.program !== program) empty(slot)
      slot.chatId = chatId ?? undefined
      slot.program = program
      slot.busy = true
      slot.used = ++clock
    },
    release(slot) {
      slot.busy = false
      slot.used = ++clock
    },
    empty,
    keepPrefix(slot, tokens) {
      const same = Math.min(sameBeginning(slot.tokens, tokens), tokens.length - 1)
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
