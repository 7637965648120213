import type { AttachmentPart, Message } from '@fusion/shared/chat/message.ts'
import { useEffect, useRef, type KeyboardEvent } from 'react'
import { ask } from '../../state/fusion.ts'
import { setView, useView } from '../../state/view.ts'
import { AttachmentView } from '../attachment-view.tsx'
import { sendQuestion } from '../send.ts'

interface EditQuestionProps {
  message: Message
  attachments: AttachmentPart[]
  conversationId: string
  parentId: string | null
}

/** A question changed where it stands. Sending makes a version beside the old one; nothing is overwritten. */
export function EditQuestion({ message, attachments, conversationId, parentId }: EditQuestionProps) {
  const text = useView(view => (view.editing?.messageId === message.id ? view.editing.text : ''))
  const ref = useRef<HTMLTextAreaElement>(null)
  useEffect(() => {
    const area = ref.current!
    area.focus()
    area.setSelectionRange(area.value.length, area.value.length)
  }, [])
  const close = () => setView({ editing: null })
  const empty = text.trim() === '' && attachments.length === 0
  const send = () => {
    if (empty) return
    close()
    const sent = sendQuestion(conversationId, { text, attachments }, parentId).catch((error: unknown) => {
      // What was refused stands there again, to be changed or tried once more.
      setView({ editing: { messageId: message.id, text } })
      throw error
    })
    ask(sent)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Enter' && !event.shiftKey) send()
    else if (event.key === 'Escape') close()
    else return
    event.preventDefault()
  }
  return (
    <form
      className="bubble"
      onSubmit={event => {
        event.preventDefault()
        send()
      }}
    >
      {attachments.length > 0 && (
        <div className="attached">
          {attachments.map(attachment => (
            <AttachmentView key={attachment.hash} attachment={attachment} />
          ))}
        </div>
      )}
      <textarea
        ref={ref}
        aria-label="Edit the question"
        value={text}
        onChange={event => setView({ editing: { messageId: message.id, text: event.target.value } })}
        onKeyDown={onKeyDown}
      />
      <footer>
        <button type="button" className="button small" onClick={close}>
          Cancel
        </button>
        <button type="submit" className="button small main" disabled={empty}>
          Ask this instead
        </button>
      </footer>
    </form>
  )
}
