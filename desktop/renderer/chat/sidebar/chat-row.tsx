import type { Conversation } from '@fusion/shared/chat/conversation.ts'
import { Lock } from 'lucide-react'
import { memo, useEffect, useRef, useState, type KeyboardEvent } from 'react'
import { showChat, trashChat } from '../open-chat.ts'
import { ask, fusion } from '../../state/fusion.ts'
import { useReplica } from '../../state/replica.ts'
import { ChatMenu } from './chat-menu.tsx'
import { dragChat } from './drag.ts'
import { InlineName } from './inline-name.tsx'

/** One chat of the list. F2 renames it, Delete moves it to the trash. */
export const ChatRow = memo(function ChatRow({ chat, current }: { chat: Conversation; current: boolean }) {
  const [renaming, setRenaming] = useState(false)
  const row = useRef<HTMLLIElement>(null)
  const answering = useReplica(replica => replica.answering.has(chat.id))
  // A chat that was opened elsewhere, by the search or a key, is shown in the list, too.
  useEffect(() => {
    if (current) row.current?.scrollIntoView({ block: 'nearest' })
  }, [current])
  if (renaming) {
    return (
      <li className="chat renaming">
        <InlineName
          label="Title of the chat"
          name={chat.title}
          maxLength={200}
          onSave={title => ask(fusion.chats.rename({ conversationId: chat.id, title }))}
          onClose={() => setRenaming(false)}
        />
      </li>
    )
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'F2') setRenaming(true)
    else if (event.key === 'Delete') ask(trashChat(chat))
    else return
    event.preventDefault()
  }
  return (
    <li className="chat" ref={row}>
      <button
        type="button"
        className="open"
        aria-current={current ? 'page' : undefined}
        title={chat.title}
        draggable
        onDragStart={event => dragChat(event, chat.id)}
        onClick={() => showChat(chat.id)}
        onDoubleClick={() => setRenaming(true)}
        onKeyDown={onKeyDown}
      >
        <span>{chat.title}</span>
        {answering && <i className="working" role="img" aria-label="being answered" />}
        {chat.privacy === 'local-only' && <Lock size={13} strokeWidth={1.8} className="lock" role="img" aria-label="local only" />}
      </button>
      <ChatMenu chat={chat} onRename={() => setRenaming(true)} />
    </li>
  )
})
