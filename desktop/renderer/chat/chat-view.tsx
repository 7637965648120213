import type { Privacy } from '@fusion/shared/chat/conversation.ts'
import { SlidersHorizontal } from 'lucide-react'
import { useState } from 'react'
import { ask, fusion } from '../state/fusion.ts'
import { useReplica, type OpenChat } from '../state/replica.ts'
import { setView } from '../state/view.ts'
import { Announcer } from './announcer.tsx'
import { cloudHost, usePresentCloudModel } from '../models/present-cloud-model.ts'
import { Composer } from './composer/composer.tsx'
import { FirstRun } from './first-run.tsx'
import { ConversationLog } from './log/conversation-log.tsx'
import { ChatLines } from './chat-lines.tsx'
import { ChatMenu } from './sidebar/chat-menu.tsx'
import { DrawerButton } from './sidebar/drawer-button.tsx'
import { InlineName } from './sidebar/inline-name.tsx'

/** The open chat: its head, the conversation, and the composer. */
export function ChatView() {
  const open = useReplica(replica => replica.open)
  return (
    <main className="screen">
      <ChatHead chat={open} />
      {/* Each chat has a scroll place, drafts and measured rows of its own. */}
      {open && <ChatBody key={open.id} chat={open} />}
    </main>
  )
}

function ChatHead({ chat }: { chat: OpenChat | null }) {
  const [renaming, setRenaming] = useState(false)
  const conversation = chat?.conversation
  return (
    <header className="head">
      <DrawerButton />
      {conversation && renaming ? (
        <InlineName
          label="Title of the chat"
          name={conversation.title}
          maxLength={200}
          onSave={title => ask(fusion.chats.rename({ conversationId: conversation.id, title }))}
          onClose={() => setRenaming(false)}
        />
      ) : (
        <h1>{conversation?.title ?? 'New chat'}</h1>
      )}
      {chat?.ready && conversation?.life !== 'trash' && (
        <div className="tools">
          <button
            type="button"
            className="icon"
            aria-label="Chat settings"
            title="Chat settings"
            aria-haspopup="dialog"
            onClick={() => setView({ panel: 'chat-settings' })}
          >
            <SlidersHorizontal size={16} strokeWidth={1.8} aria-hidden />
          </button>
          {conversation && <ChatMenu chat={conversation} onRename={() => setRenaming(true)} />}
        </div>
      )}
    </header>
  )
}

function ChatBody({ chat }: { chat: OpenChat }) {
  const inTrash = chat.conversation?.life === 'trash'
  const empty = chat.ready && chat.path.length === 0
  return (
    <>
      {empty ? (
        <div className="log-frame">
          {/* Programs and screen readers find the conversation before its first message, too. */}
          <section className="log" role="log" aria-label="Conversation" aria-live="off">
            <FirstRun conversationId={chat.id} />
          </section>
        </div>
      ) : (
        <ConversationLog chat={chat} readOnly={inTrash} />
      )}
      <div className="compose">
        <ChatLines />
        {inTrash ? (
          <div className="note quiet">
            <p>This chat is in the trash.</p>
            <div className="go">
              <button type="button" className="button main small" onClick={() => ask(fusion.chats.restore({ conversationId: chat.id }))}>
                Bring back
              </button>
            </div>
          </div>
        ) : (
          <Composer conversationId={chat.id} turn={chat.turn} />
        )}
        <p className="hint">
          Answers can be wrong. <PlaceWords privacy={chat.conversation?.privacy} />
        </p>
      </div>
      <Announcer turn={chat.turn} />
    </>
  )
}

/** Where answers of this chat are made, and with that where its words go. */
function PlaceWords({ privacy }: { privacy: Privacy | undefined }) {
  const cloud = usePresentCloudModel()
  const host = useReplica(cloudHost)
  if (privacy === 'local-only')
    return cloud ? 'This chat stays on this computer: choose a model that is here.' : 'This chat stays on this computer.'
  if (!cloud) return 'They are made on this computer.'
  if (!host) return 'This chat is answered in the cloud, and you are signed out.'
  return (
    <span className="goes-to">
      <i className="dot cloud" aria-hidden />{' '}
      {privacy === 'ask' ? `Fusion asks before what you write goes to ${host}.` : `What you write in this chat goes to ${host}.`}
    </span>
  )
}
