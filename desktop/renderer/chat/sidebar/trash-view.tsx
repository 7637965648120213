import type { Conversation } from '@fusion/shared/chat/conversation.ts'
import { useState } from 'react'
import { showChat } from '../open-chat.ts'
import { ask, fusion } from '../../state/fusion.ts'
import { useReplica } from '../../state/replica.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { plural } from '../../ui/format.ts'
import { DrawerButton } from './drawer-button.tsx'

const days = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'long', year: 'numeric' })

/** The chats in the trash: bring one back, delete it for good, or empty the trash. */
export function TrashView() {
  const chats = useReplica(replica => replica.chats)
  const trashed = Object.values(chats)
    .filter(chat => chat.life === 'trash')
    .toSorted((a, b) => b.updatedAt - a.updatedAt)
  const [asked, setAsked] = useState<Conversation | 'all' | null>(null)
  return (
    <main className="screen trash">
      <header className="head">
        <DrawerButton />
        <h1>Trash</h1>
        {trashed.length > 0 && (
          <div className="tools">
            <button type="button" className="button small" onClick={() => setAsked('all')}>
              Empty the trash
            </button>
          </div>
        )}
      </header>
      <div className="trash-list">
        {trashed.length === 0 && <p className="empty">The trash is empty.</p>}
        <ul>
          {trashed.map(chat => (
            <li key={chat.id}>
              <button type="button" className="title" onClick={() => showChat(chat.id)}>
                {chat.title}
                <small>{days.format(chat.updatedAt)}</small>
              </button>
              <button
                type="button"
                className="button small"
                aria-label={`Bring back ${chat.title}`}
                onClick={() => ask(fusion.chats.restore({ conversationId: chat.id }))}
              >
                Bring back
              </button>
              <button type="button" className="button small" aria-label={`Delete ${chat.title} for good`} onClick={() => setAsked(chat)}>
                Delete for good
              </button>
            </li>
          ))}
        </ul>
      </div>
      {asked && (
        <Confirm
          title={asked === 'all' ? 'Empty the trash?' : 'Delete this chat for good?'}
          action={asked === 'all' ? 'Delete all' : 'Delete for good'}
          onConfirm={() => ask(asked === 'all' ? fusion.chats.emptyTrash({}) : fusion.chats.purge({ conversationId: asked.id }))}
          onClose={() => setAsked(null)}
        >
          {asked === 'all' ? `${plural(trashed.length, 'chat')} will be` : `“${asked.title}” will be`} gone from every file of this
          computer’s data folder. This cannot be undone.
        </Confirm>
      )}
    </main>
  )
}
