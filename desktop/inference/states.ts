import type { LoadedLlama } from './llama.ts'
import type { Scheduler } from './scheduling/scheduler.ts'
import type { Slot } from './scheduling/slots.ts'
import { checkState, readState, writeState } from './state-file.ts'

export interface SavedState {
  chatId: string
  tokens: number
  bytes: number
}

export interface States {
  save(chatId: string, path: string): Promise<{ tokens: number; bytes: number }>
  load(chatId: string, path: string): Promise<{ tokens: number }>
  saveBeforeEviction(chatId: string, path: string | null): void
  beforeEviction(slot: Slot): Promise<void>
}

/** Keeps KV states of chats on disk. `onSaved` hears of those that were saved because another chat needed the place. */
export function createStates(
  llama: LoadedLlama,
  modelId: string,
  scheduler: () => Scheduler,
  onSaved: (state: SavedState) => void,
): States {
  const key = { modelId, settings: llama.stateSettings }
  const { contextTokens, stateBytesPerToken } = llama.loaded
  const paths = new Map<string, string>()
  const write = (slot: Slot, path: string) => writeState(llama.context, slot, path, key, stateBytesPerToken)

  return {
    async save(chatId, path) {
      const written = await scheduler().withSlot(chatId, { make: false }, async slot => {
        if (slot.tokens.length === 0) return undefined
        const written = await write(slot, path)
        slot.dirty = false
        return written
      })
      return written ? written.finish() : { tokens: 0, bytes: 0 }
    },
    async load(chatId, path) {
      const held = await scheduler().withSlot(chatId, { make: false }, async slot => slot.tokens.length)
      // What is in memory is newer than any file.
      if (held !== undefined && held > 0) return { tokens: held }
      const description = await checkState(path, key, contextTokens)
      const tokens = await scheduler().withSlot(chatId, { make: true }, async slot => {
        if (slot.tokens.length === 0) await readState(llama.context, slot, path, description, contextTokens)
        for (const { tokens } of slot.answers) llama.prompts.remember(llama.native.detokenize(Uint32Array.from(tokens), false), tokens)
        return slot.tokens.length
      })
      return { tokens: tokens ?? 0 }
    },
    saveBeforeEviction(chatId, path) {
      if (path === null) paths.delete(chatId)
      else paths.set(chatId, path)
    },
    async beforeEviction(slot) {
      const { chatId } = slot
      const path = chatId === undefined ? undefined : paths.get(chatId)
      if (chatId === undefined || path === undefined || !slot.dirty || slot.tokens.length === 0) return
      try {
        const { finish } = await write(slot, path)
        void finish().then(
          saved => onSaved({ chatId, ...saved }),
          () => {},
        )
      } catch {
        // A full disk must not keep the other chat from its answer; this one will be computed anew.
      }
    },
  }
}
