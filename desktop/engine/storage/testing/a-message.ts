import type { Message } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { Finish } from '../messages.ts'

/** A finished question; its parts are one text. */
export function aMessage(conversationId: string, text: string, parentId: string | null = null): Message {
  return {
    id: newId(),
    conversationId,
    parentId,
    role: 'user',
    parts: [{ type: 'text', text }],
    status: 'complete',
    segments: [],
    finishReason: null,
    failure: null,
    leftOut: null,
    createdAt: Date.now(),
  }
}

/** An answer that begins to grow. */
export function aGrowingAnswer(conversationId: string, parentId: string | null): Message {
  return { ...aMessage(conversationId, '', parentId), role: 'assistant', status: 'growing', parts: [] }
}

/** How an answer that went well ends. */
export const complete: Finish = { status: 'complete', segments: [], finishReason: 'stop', failure: null, leftOut: null }
