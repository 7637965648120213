// What the page knows of the engine. Written by subscriptions only (mirror.ts); components read it, and ask for changes through fusion.ts.
import { useCallback, useSyncExternalStore } from 'react'
import type { Conversation, ConversationSettings, Folder } from '@fusion/shared/chat/conversation.ts'
import type { Message } from '@fusion/shared/chat/message.ts'
import type { AccountState } from '@fusion/shared/contract/account.ts'
import type { ApiState } from '@fusion/shared/contract/api.ts'
import type { AppState, ContextReport, Draft, ModelsState, PathEntry, TurnState } from '@fusion/shared/contract/engine.ts'
import type { Settings } from '@fusion/shared/contract/settings.ts'
import type { LinkState } from '@fusion/shared/rpc/link.ts'
import { create } from 'zustand'
import { createMessageShelf } from './messages.ts'

export interface OpenChat {
  id: string
  /** False until the engine has told the chat. */
  ready: boolean
  conversation: Conversation | null
  path: PathEntry[]
  draft: Draft
  /** What was chosen for a chat before its first message. */
  draftSettings: Partial<ConversationSettings>
  /** How often the engine told all of it: once, and again after each subscription that was lost. */
  tellings: number
  turn: TurnState
  context: ContextReport | null
}

export interface Replica {
  connection: LinkState
  app: AppState | null
  settings: Settings | null
  models: ModelsState | null
  account: AccountState | null
  /** The local API, as it stood when its view was last shown. */
  api: ApiState | null
  listComplete: boolean
  chats: Record<string, Conversation>
  folders: Record<string, Folder>
  newConversationId: string | null
  answering: ReadonlySet<string>
  open: OpenChat | null
}

export const emptyDraft: Draft = { text: '', attachments: [] }
export const idleTurn: TurnState = { at: 'idle', answerId: null, fraction: null, queuedIds: [], failure: null }

export const useReplica = create<Replica>()(() => ({
  connection: 'connecting',
  app: null,
  settings: null,
  models: null,
  account: null,
  api: null,
  listComplete: false,
  chats: {},
  folders: {},
  newConversationId: null,
  answering: new Set(),
  open: null,
}))

/** The bodies of the open chat's messages. */
export const shelf = createMessageShelf()

/** One message of the open chat; undefined until its page was read. Only its own changes render again. */
export function useMessage(id: string): Message | undefined {
  const subscribe = useCallback((listener: () => void) => shelf.subscribe(id, listener), [id])
  return useSyncExternalStore(subscribe, () => shelf.get(id))
}
