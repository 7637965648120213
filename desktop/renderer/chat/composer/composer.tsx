import { ArrowUp, Plus, Square } from 'lucide-react'
import { useEffect, useRef, type ClipboardEvent, type KeyboardEvent } from 'react'
import { MAX_TEXT, type TurnState } from '@fusion/shared/contract/engine.ts'
import { sentence } from '@fusion/shared/contract/failures.ts'
import { ModelChip } from '../../models/model-chip.tsx'
import { ask, fusion } from '../../state/fusion.ts'
import { useReplica } from '../../state/replica.ts'
import { attachFiles } from './attach.ts'
import { ContextMeter } from './context-meter.tsx'
import { DraftAttachment } from './draft-attachment.tsx'
import { drafts, useDraft } from '../drafts.ts'
import { sendDraft } from '../send.ts'
import './composer.css'

const TOO_LARGE = { code: 'message-too-large', message: '', retryable: false }

/** The question being written: Enter sends, Shift+Enter makes a line, files can be picked, pasted or dropped. */
export function Composer({ conversationId, turn }: { conversationId: string; turn: TurnState }) {
  const draft = useDraft(conversationId)
  const online = useReplica(replica => replica.connection === 'online')
  const context = useReplica(replica => (replica.open?.id === conversationId ? replica.open.context : null))
  const area = useRef<HTMLTextAreaElement>(null)
  const picker = useRef<HTMLInputElement>(null)
  const answering = turn.at !== 'idle' && turn.at !== 'paused'
  const empty = draft.text.trim() === '' && draft.attachments.length === 0
  const tooLong = context?.draftTooLong === true && !empty

  useEffect(() => focusForTyping(area.current), [conversationId])

  const tooLarge = draft.text.length > MAX_TEXT

  const sendable = online && !empty && !tooLong && !tooLarge
  const send = () => {
    if (!sendable) return
    ask(sendDraft(conversationId))
    focusForTyping(area.current)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    // Enter that ends the composition of a character is not meant for us; Safari tells it by the key code only.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing || event.keyCode === 229) return
    event.preventDefault()
    send()
  }
  const onPaste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files]
    if (files.length === 0) return
    event.preventDefault()
    void attachFiles(conversationId, files)
  }
  const remove = (hash: string) =>
    drafts.change(conversationId, { text: draft.text, attachments: draft.attachments.filter(attachment => attachment.hash !== hash) })

  return (
    <div className="box">
      {draft.attachments.length > 0 && (
        <ul className="attachments" aria-label="Attached files">
          {draft.attachments.map(attachment => (
            <DraftAttachment
              key={attachment.hash}
              conversationId={conversationId}
              attachment={attachment}
              modelId={context?.modelId ?? null}
              onRemove={() => remove(attachment.hash)}
            />
          ))}
        </ul>
      )}
      <textarea
        ref={area}
        aria-label="Message"
        placeholder="Ask anything"
        rows={1}
        value={draft.text}
        onChange={event => drafts.change(conversationId, { text: event.target.value, attachments: draft.attachments })}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
      {tooLarge && <p className="too-long">{Object.values(sentence(TOO_LARGE)).join(' ')}</p>}
      {tooLong && !tooLarge && (
        <p className="too-long">
          This does not fit the model’s window. Shorten it, take out a file, or choose a model with a larger window.
        </p>
      )}
      <div className="tools">
        <button
          type="button"
          className="chip"
          aria-label="Attach text files"
          title="Attach text files"
          onClick={() => picker.current?.click()}
        >
          <Plus size={15} strokeWidth={1.8} aria-hidden />
        </button>
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          aria-label="Files to attach"
          onChange={event => {
            void attachFiles(conversationId, [...(event.target.files ?? [])])
            event.target.value = ''
          }}
        />
        <ModelChip />
        <ContextMeter />
        {answering && (
          <button
            type="button"
            className={empty ? 'send' : 'send second'}
            aria-label="Stop"
            title="Stop"
            onClick={() => {
              // The button goes with the answer; the focus must not go with it.
              focusForTyping(area.current)
              ask(fusion.turns.stop({ conversationId }))
            }}
          >
            <Square size={13} fill="currentColor" strokeWidth={0} aria-hidden />
          </button>
        )}
        {!(answering && empty) && (
          <button
            type="button"
            className="send"
            aria-label="Send"
            title={online ? (answering ? 'Send; it waits for the answer' : 'Send') : 'Send waits for the connection'}
            disabled={!sendable}
            onClick={send}
          >
            <ArrowUp size={17} strokeWidth={1.8} aria-hidden />
          </button>
        )}
      </div>
    </div>
  )
}

/** Only where there is a real keyboard: one that rises over half of a small screen should be asked for. */
function focusForTyping(area: HTMLTextAreaElement | null): void {
  if (matchMedia('(pointer: fine)').matches) area?.focus()
}
