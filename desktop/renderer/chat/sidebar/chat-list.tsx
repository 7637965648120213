import { ChevronRight } from 'lucide-react'
import { useEffect, useEffectEvent, useMemo, useRef, useState, type DragEvent, type KeyboardEvent } from 'react'
import { ask, fusion } from '../../state/fusion.ts'
import { useReplica } from '../../state/replica.ts'
import { useView } from '../../state/view.ts'
import { ChatRow } from './chat-row.tsx'
import { isClosed, keepClosed } from './closed-folders.ts'
import { draggedChat, isChatDrag } from './drag.ts'
import { FolderMenu } from './folder-menu.tsx'
import { groupChats, type ChatGroup } from './group-chats.ts'
import { InlineName } from './inline-name.tsx'
import { useToday } from '../../ui/use-today.ts'

/** Rows rendered at first, and added each time their end comes near: a thousand rows take a long frame. */
const PAGE = 120

/** The living chats in groups. A chat can be dragged onto a folder's heading, or out of its folder onto any other. */
export function ChatList() {
  const chats = useReplica(replica => replica.chats)
  const folders = useReplica(replica => replica.folders)
  const complete = useReplica(replica => replica.listComplete)
  const now = useToday()
  const groups = useMemo(() => groupChats(Object.values(chats), Object.values(folders), now), [chats, folders, now])
  const [limit, setLimit] = useState(PAGE)
  const total = groups.reduce((sum, group) => sum + group.chats.length, 0)
  const shown = firstOf(groups, limit)
  return (
    // The arrow keys are an addition: each chat is reached by Tab, too.
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions
    <div className="list" onKeyDown={walk}>
      {complete && total === 0 && groups.length === 0 && <p className="empty">Your chats will stand here. They stay on this computer.</p>}
      {shown.map(group => (
        <Group key={group.key} group={group} />
      ))}
      {limit < total && <EndSentinel onNear={() => setLimit(limit + PAGE)} />}
    </div>
  )
}

/** The arrow keys go from chat to chat and over the heads of folders. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const stops = [...event.currentTarget.querySelectorAll<HTMLElement>('.chat > .open, .folder-head h2 button')]
  const at = stops.indexOf(event.target as HTMLElement)
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key]
  if (at < 0 || to === undefined) return
  event.preventDefault()
  stops[to]?.focus()
}

/** The groups with their first `limit` chats in all; each says how many it has. */
function firstOf(groups: readonly ChatGroup[], limit: number): (ChatGroup & { count: number })[] {
  let room = limit
  return groups.map(group => {
    const chats = group.chats.slice(0, Math.max(0, room))
    room -= chats.length
    return { ...group, chats, count: group.chats.length }
  })
}

function Group({ group }: { group: ChatGroup & { count: number } }) {
  const currentId = useView(view => (view.screen === 'chat' ? view.chatId : null))
  const { folderId } = group
  const [open, setOpen] = useState(() => folderId === null || !isClosed(folderId))
  const [renaming, setRenaming] = useState(false)
  const [over, setOver] = useState(false)
  const fold = () => {
    setOpen(!open)
    if (folderId !== null) keepClosed(folderId, open)
  }
  const target = {
    onDragOver: (event: DragEvent) => {
      if (!isChatDrag(event)) return
      event.preventDefault()
      setOver(true)
    },
    onDragLeave: () => setOver(false),
    onDrop: (event: DragEvent) => {
      setOver(false)
      const conversationId = draggedChat(event)
      if (!conversationId || group.key === 'pinned') return
      event.preventDefault()
      ask(fusion.chats.moveToFolder({ conversationId, folderId }))
    },
  }
  if (folderId === null && group.count === 0) return null
  return (
    <section aria-label={group.title} className={over ? 'group over' : 'group'} {...target}>
      {folderId === null ? (
        <h2>{group.title}</h2>
      ) : renaming ? (
        <InlineName
          label="Name of the folder"
          name={group.title}
          maxLength={100}
          onSave={name => ask(fusion.folders.rename({ folderId, name }))}
          onClose={() => setRenaming(false)}
        />
      ) : (
        <div className="folder-head">
          <h2>
            <button type="button" aria-expanded={open} onClick={fold}>
              <ChevronRight size={13} strokeWidth={2} aria-hidden />
              <span>{group.title}</span>
            </button>
          </h2>
          <FolderMenu folderId={folderId} onRename={() => setRenaming(true)} />
        </div>
      )}
      {open && (
        <ul>
          {group.chats.map(chat => (
            <ChatRow key={chat.id} chat={chat} current={chat.id === currentId} />
          ))}
        </ul>
      )}
      {open && group.count === 0 && <p className="empty">Drag a chat here, or choose this folder in its menu.</p>}
    </section>
  )
}

function EndSentinel({ onNear }: { onNear: () => void }) {
  const ref = useRef<HTMLDivElement>(null)
  const near = useEffectEvent(onNear)
  useEffect(() => {
    const observer = new IntersectionObserver(entries => entries.some(entry => entry.isIntersecting) && near(), {
      rootMargin: '600px',
    })
    observer.observe(ref.current!)
    return () => observer.disconnect()
  })
  return <div ref={ref} className="sentinel" />
}
