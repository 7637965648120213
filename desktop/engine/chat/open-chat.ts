import type { ChatEvent } from '@fusion/shared/contract/engine.ts'
import { createMailbox } from '@fusion/shared/rpc/mailbox.ts'
import type { Storage } from '../storage/storage.ts'
import type { DraftWork } from './draft-work.ts'
import type { Hub } from './hub.ts'
import type { Turns } from './turns.ts'

/** Enough for two screens; older messages are read as they are scrolled to. */
const NEWEST = 60

/** One chat, for one page: all of its state first, then each change, until the page leaves. A reader that is behind gets joined deltas. */
export async function* openChat(
  parts: { storage: Storage; turns: Turns; hub: Hub; drafts: DraftWork },
  conversationId: string,
  signal: AbortSignal,
): AsyncGenerator<ChatEvent, void, void> {
  const { storage, turns, hub, drafts } = parts
  const mailbox = createMailbox<ChatEvent>({ signal, merge: mergeDeltas })
  // Listening comes before reading, and both before the first await: nothing can change unseen in between.
  const unsubscribe = hub.onChat(conversationId, event => mailbox.push(event))
  try {
    turns.flush(conversationId)
    const conversation = storage.conversations.get(conversationId) ?? null
    const path = storage.messages.path(conversation?.headId ?? null)
    const opened: ChatEvent = {
      type: 'chat-opened',
      conversation,
      path,
      messages: storage.messages.many(path.slice(-NEWEST).map(entry => entry.id)),
      draft: storage.drafts.get(conversationId),
      draftSettings: storage.drafts.getSettings(conversationId),
      turn: turns.state(conversationId),
      context: null,
    }
    drafts.warm(conversationId)
    yield opened
    yield* mailbox
  } finally {
    unsubscribe()
  }
}

function mergeDeltas(last: ChatEvent, next: ChatEvent): ChatEvent | undefined {
  if (last.type === 'text-delta' && next.type === 'text-delta' && last.messageId === next.messageId && last.part === next.part) {
    return { ...last, text: last.text + next.text }
  }
  if (last.type === 'turn-changed' && next.type === 'turn-changed') return next
  if (last.type === 'context-changed' && next.type === 'context-changed') return next
  return undefined
}
