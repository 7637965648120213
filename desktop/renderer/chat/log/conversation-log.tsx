import { ArrowDown } from 'lucide-react'
import { useEffect, useRef, type KeyboardEvent, type ReactNode } from 'react'
import type { OpenChat } from '../../state/replica.ts'
import { useReplica } from '../../state/replica.ts'
import { setView, useView } from '../../state/view.ts'
import { MessageRow } from './message-row.tsx'
import { useBodies } from './use-bodies.ts'
import { useRows } from './use-rows.ts'
import './log.css'

/** What rows are taken to be high, in px, before they are measured: medians of everyday chats. */
const QUESTION_HEIGHT = 84
const ANSWER_HEIGHT = 280

interface ConversationLogProps {
  chat: OpenChat
  readOnly: boolean
  /** Stands above the first message, below the last. */
  foot?: ReactNode
}

/** The shown branch, from the root to the head. Only rows near what is seen exist; bodies are read as they are scrolled to. */
export function ConversationLog({ chat, readOnly, foot }: ConversationLogProps) {
  const scroller = useRef<HTMLElement>(null)
  const spacer = useRef<HTMLDivElement>(null)
  const { path, turn, context } = chat
  const ids = path.map(entry => entry.id)
  const rows = useRows({
    ids,
    scroller,
    spacer,
    estimate: index => (path[index]?.role === 'user' ? QUESTION_HEIGHT : ANSWER_HEIGHT),
  })
  const online = useReplica(replica => replica.connection === 'online')
  useBodies(chat.id, path, rows.range, online)

  const goTo = useView(view => view.goTo)
  const { show, toEnd } = rows
  useEffect(() => {
    if (!goTo || !chat.ready || !path.some(entry => entry.id === goTo)) return
    show(goTo)
    setView({ goTo: null })
  }, [goTo, chat.ready, path, show])

  // A question of one's own is always shown; what others add (another window) moves nothing.
  const sent = useView(view => view.sent)
  useEffect(() => {
    if (sent && path.some(entry => entry.id === sent)) {
      toEnd()
      setView({ sent: null })
    }
  }, [sent, path, toEnd])

  // The browser would scroll smoothly to where the beginning was thought to be.
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
    if (event.key === 'Home' && path[0]) show(path[0].id)
    else if (event.key === 'End') toEnd()
    else return
    event.preventDefault()
  }

  const cut = context?.leftOutUpTo ?? null
  const queued = new Set(turn.queuedIds)
  return (
    <div className="log-frame">
      {/* A region that scrolls has to take the focus to be scrolled by keyboard. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex, jsx-a11y/no-noninteractive-element-interactions */}
      <section className="log" role="log" aria-label="Conversation" aria-live="off" tabIndex={0} ref={scroller} onKeyDown={onKeyDown}>
        <div className="column">
          <div ref={spacer} style={{ height: rows.before }} />
          {path.slice(rows.range.first, rows.range.end).map((entry, index) => {
            const at = rows.range.first + index
            return (
              <MessageRow
                key={entry.id}
                ref={rows.rowRef(entry.id)}
                conversationId={chat.id}
                entry={entry}
                parentId={path[at - 1]?.id ?? null}
                waiting={queued.has(entry.id) ? (turn.at === 'paused' ? 'paused' : 'queued') : null}
                turn={entry.id === turn.answerId ? turn : null}
                idle={turn.at === 'idle' || turn.at === 'paused'}
                last={at === path.length - 1}
                windowBegins={path[at - 1]?.id === cut && cut !== null}
                readOnly={readOnly}
              />
            )
          })}
          <div style={{ height: rows.after }} />
          {foot}
        </div>
      </section>
      {!rows.atEnd && (
        <button type="button" className="to-end" aria-label="To the newest message" title="To the newest message" onClick={toEnd}>
          <ArrowDown size={16} strokeWidth={1.8} aria-hidden />
        </button>
      )}
    </div>
  )
}
