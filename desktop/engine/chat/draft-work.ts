import type { Draft } from '@fusion/shared/contract/engine.ts'
import type { Part } from '@fusion/shared/chat/message.ts'
import { cloudModelName } from '@fusion/shared/chat/cloud-model.ts'
import { newConversationSettings } from '@fusion/shared/chat/conversation.ts'
import type { Settings } from '@fusion/shared/contract/settings.ts'
import { isCancelled } from '@fusion/shared/rpc/failure.ts'
import type { Log } from '../log.ts'
import { reasonOf } from '../log-error.ts'
import type { Models } from '../models/models.ts'
import type { Storage } from '../storage/storage.ts'
import type { Hub } from './hub.ts'
import type { PromptPlanner } from './prompt-planner.ts'
import { keepsState } from './keeps-state.ts'
import type { Turns } from './turns.ts'
import type { ModelChoice } from './model-choice.ts'
import { exactCounter } from './token-counter.ts'

export interface DraftWork {
  /** The draft changed: count it for the meter, and prefill it when typing pauses. */
  draftChanged(conversationId: string): void
  /** A chat was opened: load its model and its KV state, so that the first answer comes at once. */
  warm(conversationId: string): void
  /** Stops the work for a chat, because its turn begins or it is deleted. */
  cancel(conversationId: string): void
  close(): void
}

/** Shorter than a pause between words of a slow typist, longer than between the letters of a quick one. */
const PAUSE_MS = 120

/** Everything that is done ahead of Send, for the chat in front of the person: never in the way of an answer. */
export function createDraftWork(parts: {
  storage: Storage
  models: Models
  choice: ModelChoice
  planner: PromptPlanner
  turns: Turns
  settings: () => Settings
  hub: Hub
  log: Log
}): DraftWork {
  const { storage, models, choice, planner, turns, settings, hub, log } = parts
  const closing = new AbortController()
  const working = new Map<string, { controller: AbortController; timer: NodeJS.Timeout | undefined }>()

  function cancel(conversationId: string): void {
    const work = working.get(conversationId)
    if (!work) return
    clearTimeout(work.timer)
    work.controller.abort()
    working.delete(conversationId)
  }

  function later(conversationId: string, wait: number, options: { load: boolean }): void {
    cancel(conversationId)
    if (closing.signal.aborted) return
    const controller = new AbortController()
    const timer = setTimeout(() => {
      prepare(conversationId, options, controller.signal)
        .catch((error: unknown) => {
          // What fails ahead of Send is said when it is sent; here it only costs the head start.
          if (!isCancelled(error)) log.debug({ conversationId, error: reasonOf(error) }, 'nothing prepared')
        })
        .finally(() => {
          if (working.get(conversationId)?.controller === controller) working.delete(conversationId)
        })
    }, wait)
    working.set(conversationId, { controller, timer })
  }

  async function prepare(conversationId: string, { load }: { load: boolean }, signal: AbortSignal): Promise<void> {
    const conversation = {
      id: conversationId,
      settings: storage.conversations.get(conversationId)?.settings ?? {
        ...newConversationSettings,
        ...storage.drafts.getSettings(conversationId),
      },
    }
    // Nothing of a draft goes anywhere before Send, and only the cloud could count it.
    if (cloudModelName(conversation.settings.modelId) !== undefined)
      return hub.tellChat(conversationId, { type: 'context-changed', context: null })
    const modelId = await choice.known(conversation.settings.modelId, signal)
    if (!modelId) return
    let loaded = models.ready(modelId)
    if (!loaded && !load) return hub.tellChat(conversationId, { type: 'context-changed', context: null })
    if (!loaded) {
      // Not given up with the draft's next letter: a load begun again at each of them would never end.
      const acquired = await models.acquire(modelId, { signal: closing.signal, onProgress: () => {} })
      acquired.release()
    }
    // Deleted or asked meanwhile: nothing of it may come to the disk, or in the way of its answer.
    signal.throwIfAborted()
    if (keepsState(conversation, settings()) && turns.state(conversationId).answerId === null)
      await models.openState(conversationId, modelId)
    signal.throwIfAborted()
    loaded = models.ready(modelId)
    if (!loaded) return

    const draft = storage.drafts.get(conversationId)
    const path = storage.messages.path(storage.conversations.get(conversationId)?.headId ?? null)
    const typed = draft.text.trim() !== '' || draft.attachments.length > 0
    const planned = await planner.plan({
      counter: exactCounter(loaded),
      conversation,
      path,
      signal,
      ...(typed && { draft: { parts: draftParts(draft) } }),
    })
    hub.tellChat(conversationId, { type: 'context-changed', context: planned.report })
    const busy = turns.state(conversationId).answerId !== null
    if (busy || !typed || !settings().prefillDrafts || planned.plan.questionTooLong) return
    signal.throwIfAborted()
    const { tokens, cachedTokens } = await loaded.client.chat.prefill({ chatId: conversationId, prompt: planned.prompt }, { signal })
    log.debug({ conversationId, tokens, cachedTokens }, 'draft prefilled')
  }

  return {
    draftChanged: conversationId => later(conversationId, PAUSE_MS, { load: true }),
    warm(conversationId) {
      const hasMessages = Boolean(storage.conversations.get(conversationId)?.headId)
      const draft = storage.drafts.get(conversationId)
      later(conversationId, 0, { load: hasMessages || draft.text !== '' || draft.attachments.length > 0 })
    },
    cancel,
    close() {
      closing.abort()
      for (const conversationId of working.keys()) cancel(conversationId)
    },
  }
}

function draftParts(draft: Draft): Part[] {
  return [...draft.attachments, ...(draft.text === '' ? [] : [{ type: 'text', text: draft.text } satisfies Part])]
}
