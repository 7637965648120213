import { setImmediate } from 'node:timers/promises'
import type { Draft } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Models } from '../models/models.ts'
import type { Storage } from '../storage/storage.ts'
import type { DraftWork } from './draft-work.ts'
import type { Turns } from './turns.ts'

export interface Removal {
  /** Ends what is done for the chat; its text is kept, what waits in line is not answered. */
  trash(conversationId: string): Promise<void>
  /** Resolves when no file of the data folder holds a word of the chat. Throws `not-in-trash`. */
  purge(conversationId: string): Promise<void>
  emptyTrash(): Promise<void>
  /** Keeps a draft. False: its chat was deleted for good, and a page that did not know it yet sent what was typed last. */
  keepDraft(conversationId: string, draft: Draft): Promise<boolean>
  /** Throws `not-found` for a chat that was deleted for good: what comes late must not bring it back. */
  refuseGone(conversationId: string): void
}

/** How chats go: to the trash, and for good, whatever is being done for them, and whatever other pages do meanwhile. */
export function createRemoval({
  storage,
  models,
  turns,
  drafts,
}: {
  storage: Storage
  models: Pick<Models, 'deleteStates'>
  turns: Pick<Turns, 'halt' | 'abandon' | 'state'>
  drafts: Pick<DraftWork, 'cancel'>
}): Removal {
  /** Since the start; a page that is older than that was told of it when it connected again. */
  const gone = new Set<string>()
  const purging = new Map<string, Promise<void>>()
  /** Files that were taken out of a chat's draft again. Until its end they may come back into it. */
  const takenOut = new Map<string, Set<string>>()

  async function purge(conversationId: string): Promise<void> {
    const inTrash = () => {
      const conversation = storage.conversations.get(conversationId)
      if (conversation && conversation.life !== 'trash') throw failure('not-in-trash')
      return conversation !== undefined
    }
    // Until nothing is done for it, and another page that brought it back meanwhile has put it there again.
    while (inTrash() && turns.state(conversationId).answerId !== null) await turns.abandon(conversationId)
    if (inTrash()) {
      const purged = purgeNow(conversationId).finally(() => purging.delete(conversationId))
      purging.set(conversationId, purged)
    }
    await purging.get(conversationId)
  }

  /** From the first line on, nothing more is taken for this chat. */
  async function purgeNow(conversationId: string): Promise<void> {
    gone.add(conversationId)
    drafts.cancel(conversationId)
    try {
      const purged = storage.conversations.purge(conversationId)
      await Promise.all([turns.halt(conversationId), models.deleteStates(conversationId), purged])
      await storage.attachments.discard([...(takenOut.get(conversationId) ?? [])])
      takenOut.delete(conversationId)
    } catch (error) {
      // A full disk: then all of it is there still.
      if (storage.conversations.get(conversationId)) gone.delete(conversationId)
      throw error
    }
  }

  return {
    async trash(conversationId) {
      // First, so that nothing can be asked in it any more.
      storage.conversations.trash(conversationId)
      drafts.cancel(conversationId)
      await turns.halt(conversationId)
    },
    purge,
    async emptyTrash() {
      const purges: Promise<void>[] = []
      for (const { id } of storage.conversations.all()) {
        if (storage.conversations.get(id)?.life !== 'trash') continue
        // Not one after another: chats that are purged at the same time are erased from the files in one round.
        const purged = purge(id)
        purged.catch(() => {})
        purges.push(purged)
        // Answers that are streaming go on in between.
        await setImmediate()
      }
      await Promise.all(purges)
    },
    async keepDraft(conversationId, draft) {
      if (gone.has(conversationId)) {
        await storage.attachments.discard(hashesOf(draft))
        return false
      }
      const before = hashesOf(storage.drafts.get(conversationId))
      storage.drafts.set(conversationId, draft)
      const out = before.filter(hash => !hashesOf(draft).includes(hash))
      if (out.length > 0) takenOut.set(conversationId, new Set([...(takenOut.get(conversationId) ?? []), ...out]))
      return true
    },
    refuseGone(conversationId) {
      if (gone.has(conversationId)) throw failure('not-found')
    },
  }
}

const hashesOf = ({ attachments }: Draft) => attachments.map(({ hash }) => hash)
