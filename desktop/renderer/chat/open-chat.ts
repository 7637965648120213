import type { Conversation } from '@fusion/shared/chat/conversation.ts'
import { fusion } from '../state/fusion.ts'
import { useReplica } from '../state/replica.ts'
import { setView } from '../state/view.ts'

/** Shows a chat, and in it this message, if one is named. */
export function showChat(conversationId: string, messageId: string | null = null): void {
  setView({ screen: 'chat', chatId: conversationId, goTo: messageId, panel: null, drawer: false, editing: null, failure: null })
}

/** Shows the chat that is not begun yet, with whatever was typed there. */
export function showNewChat(): void {
  const { newConversationId } = useReplica.getState()
  if (newConversationId) showChat(newConversationId)
}

export function showTrash(): void {
  setView({ screen: 'trash', drawer: false, panel: null, editing: null })
}

export function showServer(): void {
  setView({ screen: 'server', drawer: false, panel: null, editing: null, failure: null })
}

/** Moves a chat to the trash and offers to take that back. */
export async function trashChat({ id, title }: Pick<Conversation, 'id' | 'title'>): Promise<void> {
  await fusion.chats.trash({ conversationId: id })
  setView(view => ({ undo: { conversationId: id, title }, ...(view.chatId === id && { chatId: null, editing: null }) }))
}

/** Saves the shown branch as a Markdown file, where the browser puts its downloads. */
export async function exportChat(conversationId: string): Promise<void> {
  const { fileName, markdown } = await fusion.chats.exportMarkdown({ conversationId })
  const address = URL.createObjectURL(new Blob([markdown], { type: 'text/markdown' }))
  const link = document.createElement('a')
  link.href = address
  link.download = fileName
  link.click()
  // The download has begun once the click returned, but reads the blob a little later.
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}
