import type { Settings } from '@fusion/shared/contract/settings.ts'
import type { Log } from '../log.ts'
import type { Models } from '../models/models.ts'
import type { Storage } from '../storage/storage.ts'
import { reasonOf } from '../log-error.ts'
import { keepsState } from './keeps-state.ts'
import type { Turns } from './turns.ts'

export interface KeepStates {
  /** Saves what was answered since the last save, for example before closing. */
  saveAll(): Promise<void>
}

/** A chat that is talked with often is not written after each answer: 128 kB a token for an 8B model adds up. */
const IDLE_MS = 4000

/** Writes the KV state of a chat when it goes idle after an answer. Failing to is no loss: the next answer is then prefilled. */
export function createKeepStates(parts: {
  storage: Storage
  models: Models
  turns: Turns
  settings: () => Settings
  log: Log
}): KeepStates {
  const { storage, models, turns, settings, log } = parts
  const due = new Map<string, { modelId: string; timer: NodeJS.Timeout }>()
  const saving = new Set<Promise<void>>()

  /** Never fails. */
  async function save(conversationId: string, modelId: string): Promise<void> {
    try {
      const conversation = storage.conversations.get(conversationId)
      if (conversation?.life === 'live' && keepsState(conversation, settings())) await models.saveState(conversationId, modelId)
    } catch (error) {
      log.warn({ conversationId, error: reasonOf(error) }, 'state not kept')
    }
  }

  function saveDue(conversationId: string): void {
    const entry = due.get(conversationId)
    if (!entry) return
    clearTimeout(entry.timer)
    due.delete(conversationId)
    const saved = save(conversationId, entry.modelId).finally(() => saving.delete(saved))
    saving.add(saved)
  }

  turns.onFinished((conversationId, modelId) => {
    clearTimeout(due.get(conversationId)?.timer)
    const timer = setTimeout(() => {
      // One that is answering again is saved after that.
      if (turns.state(conversationId).answerId === null) saveDue(conversationId)
    }, IDLE_MS)
    due.set(conversationId, { modelId, timer })
  })

  return {
    async saveAll() {
      for (const conversationId of due.keys()) saveDue(conversationId)
      await Promise.all(saving)
    },
  }
}
