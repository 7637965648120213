import { textOf, type AttachmentPart, type Message } from '@fusion/shared/chat/message.ts'
import { useState } from 'react'
import { ask, fusion } from '../../state/fusion.ts'
import { setView, useView } from '../../state/view.ts'
import { CopyButton } from '../../ui/copy-button.tsx'
import { AttachmentView } from '../attachment-view.tsx'
import { LongText } from '../markdown/long-text.tsx'
import { BranchSwitcher } from './branch-switcher.tsx'
import { EditQuestion } from './edit-question.tsx'
import type { RowProps } from './message-row.tsx'

/** Longer questions are folded: a pasted file should not hide the answer. */
const FOLD_LINES = 24
const FOLD_LENGTH = 3000

/** What the person asked, as it was typed: a question is not Markdown. */
export function Question({ message, row }: { message: Message; row: RowProps }) {
  const text = textOf(message)
  const attachments = message.parts.filter((part): part is AttachmentPart => part.type === 'attachment')
  const editing = useView(view => view.editing?.messageId === message.id)
  const { conversationId, entry, waiting, readOnly } = row
  if (editing) {
    return (
      <article aria-label="You" className="you editing">
        <EditQuestion message={message} attachments={attachments} conversationId={conversationId} parentId={row.parentId} />
      </article>
    )
  }
  const unanswered = row.last && row.idle && !waiting
  return (
    <article aria-label="You" className={waiting ? 'you waiting' : 'you'}>
      {attachments.length > 0 && (
        <div className="attached">
          {attachments.map(attachment => (
            <AttachmentView key={attachment.hash} attachment={attachment} />
          ))}
        </div>
      )}
      {text && (
        <div className="bubble">
          <FoldedText text={text} />
        </div>
      )}
      <div className="under">
        {waiting === 'queued' && <span>Waits for the answer above</span>}
        {waiting === 'paused' && <span>Not answered yet</span>}
        {unanswered && <span>No answer yet</span>}
        {!readOnly && (waiting === 'paused' || unanswered) && (
          <button type="button" className="quiet" onClick={() => ask(fusion.turns.answer({ conversationId, messageId: message.id }))}>
            Answer now
          </button>
        )}
        <span className="acts">
          {text && <CopyButton text={() => text} label="Copy question" />}
          {!readOnly && (
            <button type="button" className="quiet" onClick={() => setView({ editing: { messageId: message.id, text } })}>
              Edit
            </button>
          )}
        </span>
        {entry.siblings && <BranchSwitcher conversationId={conversationId} messageId={message.id} siblings={entry.siblings} />}
      </div>
    </article>
  )
}

function FoldedText({ text }: { text: string }) {
  const long = text.length > FOLD_LENGTH || text.split('\n', FOLD_LINES + 1).length > FOLD_LINES
  const [open, setOpen] = useState(false)
  const shown = long && !open ? text.split('\n', FOLD_LINES).join('\n').slice(0, FOLD_LENGTH) : text
  return (
    <>
      <LongText text={shown} />
      {long && (
        <button type="button" className="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? 'Show less' : 'Show all'}
        </button>
      )}
    </>
  )
}
