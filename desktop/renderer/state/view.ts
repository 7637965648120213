// What only this window knows: what is selected, typed and opened.
import type { Draft } from '@fusion/shared/contract/engine.ts'
import type { FailureBody } from '@fusion/shared/rpc/failure.ts'
import { create } from 'zustand'

export type Panel = 'search' | 'settings' | 'chat-settings' | 'add-model'

export interface Typing extends Draft {
  /** False while the engine does not hold this text yet. */
  saved: boolean
}

export interface View {
  screen: 'chat' | 'trash' | 'server'
  chatId: string | null
  /** The message to bring into view once the chat is there: a search hit. */
  goTo: string | null
  /** The question that was just sent from here. */
  sent: string | null
  panel: Panel | null
  /** The sidebar as a drawer, where the window is narrow. */
  drawer: boolean
  /** What stands in the composer of each chat that was typed in since the page was loaded. */
  typing: Record<string, Typing>
  editing: { messageId: string; text: string } | null
  /** The chat that was just moved to the trash. */
  undo: { conversationId: string; title: string } | null
  /** A request that failed, in the place where all others succeed silently. */
  failure: FailureBody | null
  /** Whether the browser's cookie or token was refused. */
  locked: boolean
  /** The model that was just added. */
  added: string | null
  /** Files on their way from this page into the data folder, by the engine's copy id. */
  copies: Record<string, { name: string; cancel: () => void }>
}

export const useView = create<View>()(() => ({
  screen: 'chat',
  chatId: null,
  goTo: null,
  sent: null,
  panel: null,
  drawer: false,
  typing: {},
  editing: null,
  undo: null,
  failure: null,
  locked: false,
  added: null,
  copies: {},
}))

/** Changes the view; all but the named fields stay. */
export const setView = useView.setState
