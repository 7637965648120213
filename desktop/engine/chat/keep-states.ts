import type { Settings } from '@fusion/shared/contract/settings.ts'
import type { Log } from '../log.ts'
import type { Models } from '../models/models.ts'
import type { Storage } from '../storage/storage.ts'
import { keepsState } from './turn.ts'
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

  async function save(conversationId: string): Promise<void> {
    const entry = due.get(conversationId)
    if (!entry) return
    clearTimeout(entry.timer)
    due.delete(conversationId)
    const conversation = storage.conversations.get(conversationId)
    if (!conversation || conversation.life === 'trash' || !keepsState(conversation, settings())) return
    try {
      await models.saveState(conversationId, entry.modelId)
    } catch (error) {
      log.warn({ conversationId, error: error instanceof Error ? error.name : 'unknown' }, 'state not kept')
    }
  }

  turns.onFinished((conversationId, modelId) => {
    clearTimeout(due.get(conversationId)?.timer)
    const timer = setTimeout(() => {
      if (turns.state(conversationId).at === 'idle') void save(conversationId)
    }, IDLE_MS)
    due.set(conversationId, { modelId, timer })
  })

  return {
    async saveAll() {
      for (const conversationId of due.keys()) await save(conversationId)
    },
  }
}
