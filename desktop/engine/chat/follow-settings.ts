import type { Settings } from '@fusion/shared/contract/settings.ts'
import type { Log } from '../log.ts'
import { reasonOf } from '../log-error.ts'
import type { Models } from '../models/models.ts'
import type { Storage } from '../storage/storage.ts'
import type { DraftWork } from './draft-work.ts'
import type { Hub } from './hub.ts'
import type { KeepStates } from './keep-states.ts'

/** A number that is typed changes with each digit, and each of them would load the model anew. */
const PAUSE_MS = 500

/**
 * Makes what the settings show true of what is loaded and kept: a model that idles is loaded anew with the wished window and threads, one
 * that answers when it is done; states that are not to be kept are deleted.
 */
export function createFollowSettings(parts: {
  storage: Pick<Storage, 'onChange'>
  models: Models
  keepStates: KeepStates
  drafts: DraftWork
  settings: () => Settings
  hub: Hub
  log: Log
}): { close(): void } {
  const { storage, models, keepStates, drafts, settings, hub, log } = parts
  let timer: NodeJS.Timeout | undefined
  let closed = false

  async function reload(modelId: string): Promise<void> {
    try {
      // The chats in its memory are to be there again.
      await keepStates.saveAll()
      await models.reload(modelId)
      log.info({ modelId }, 'model loaded anew')
      for (const conversationId of hub.open()) drafts.warm(conversationId)
    } catch (error) {
      // Asked again meanwhile, it follows after that answer; one that does not load any more says so in the list of models.
      log.info({ modelId, reason: reasonOf(error) }, 'model not loaded anew')
    }
  }

  function reloadSoon(): void {
    clearTimeout(timer)
    if (!closed) timer = setTimeout(reloadNow, PAUSE_MS)
  }

  function reloadNow(): void {
    timer = undefined
    for (const modelId of models.outdated()) void reload(modelId)
  }

  let kept = settings().keepStates
  function deleteUnwished(): void {
    const { keepStates: keep } = settings()
    if (kept && !keep) models.deleteAllStates().catch((error: unknown) => log.warn({ error: reasonOf(error) }, 'states not deleted'))
    kept = keep
  }

  const leave = storage.onChange(change => {
    if (change.type !== 'settings-changed') return
    deleteUnwished()
    reloadSoon()
  })
  // Whoever used it, a chat or a program, is done with it.
  const leaveModels = models.watch(() => {
    if (timer === undefined && models.outdated().length > 0) reloadSoon()
  })
  return {
    close() {
      closed = true
      clearTimeout(timer)
      leave()
      leaveModels()
    },
  }
}
