import type { Conversation } from '@fusion/shared/chat/conversation.ts'
import type { Settings } from '@fusion/shared/contract/settings.ts'

/** Whether the KV state of a chat may lie on disk: off for one chat, or for all of them. */
export function keepsState({ settings: { keepState } }: Pick<Conversation, 'settings'>, settings: Settings): boolean {
  return settings.keepStates && keepState
}
