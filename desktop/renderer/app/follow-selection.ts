import { showNewChat } from '../chat/open-chat.ts'
import { fusion } from '../state/fusion.ts'
import { forgetImages } from '../state/images.ts'
import { tokenIn } from '../state/session.ts'
import type { Mirror } from '../state/mirror.ts'
import { useReplica } from '../state/replica.ts'
import { setView, useView } from '../state/view.ts'

const chatIn = (hash: string): string | null => /^#chat=([0-9a-f-]{36})$/.exec(hash)?.[1] ?? null

/**
 * Keeps three things in step: the selected chat, the chat that is mirrored, and the address bar (so that reload, back and forward work).
 * Nothing selected, or a chat that is gone, means the new one.
 */
export function followSelection(mirror: Mirror): void {
  let opened: string | null = null
  let searched: string | null = null
  // The chat of the address bar is looked at once the list is known: an id that is not in it may have been deleted for good.
  let wished = chatIn(location.hash)

  const step = () => {
    const { listComplete, chats, newConversationId, open } = useReplica.getState()
    if (!listComplete) return
    const { chatId, goTo } = useView.getState()
    const wish = wished
    wished = null
    if (wish && chats[wish] && !chatId) return setView({ chatId: wish })
    if (!chatId) return newConversationId ? setView({ chatId: newConversationId }) : undefined
    if (chatId !== opened) {
      opened = chatId
      searched = null
      mirror.openChat(chatId)
      forgetImages()
      if (chats[chatId] && chatIn(location.hash) !== chatId) history.pushState(null, '', `#chat=${chatId}`)
      if (!chats[chatId] && location.hash !== '') history.pushState(null, '', location.pathname)
      return
    }
    if (!open || open.id !== chatId || !open.ready) return
    // The first message made the new chat one of the list.
    if (chats[chatId] && location.hash === '') history.replaceState(null, '', `#chat=${chatId}`)
    if (!chats[chatId] && chatId !== newConversationId && open.conversation === null && open.path.length === 0) return showNewChat()
    // A message that was found in another branch: show that branch, once.
    if (goTo && goTo !== searched && !open.path.some(entry => entry.id === goTo)) {
      searched = goTo
      fusion.chats.showBranch({ conversationId: chatId, messageId: goTo }).catch(() => setView({ goTo: null }))
    }
  }
  useReplica.subscribe(step)
  useView.subscribe(step)
  window.addEventListener('popstate', () => {
    if (tokenIn(location.hash)) return
    const id = chatIn(location.hash)
    if (id && useReplica.getState().chats[id]) setView({ chatId: id, screen: 'chat', editing: null })
    else showNewChat()
  })
  step()
}
