import type { AttachmentPart } from '@fusion/shared/chat/message.ts'
import { FileText } from 'lucide-react'
import { useEffect, useState } from 'react'
import { sentence } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { fusion } from '../state/fusion.ts'
import { Dialog } from '../ui/dialog.tsx'
import { formatBytes } from '../ui/format.ts'
import { LongText } from './markdown/long-text.tsx'

/** An attached file of a message that was sent; a press shows its text. */
export function AttachmentView({ attachment }: { attachment: AttachmentPart }) {
  const [open, setOpen] = useState(false)
  return (
    <>
      <button type="button" className="attachment" onClick={() => setOpen(true)}>
        <FileText size={15} strokeWidth={1.8} aria-hidden />
        <span>{attachment.name}</span>
        <small>{formatBytes(attachment.bytes)}</small>
      </button>
      {open && (
        <Dialog title={attachment.name} onClose={() => setOpen(false)} className="reader">
          <AttachmentText hash={attachment.hash} />
        </Dialog>
      )}
    </>
  )
}

function AttachmentText({ hash }: { hash: string }) {
  const [text, setText] = useState<string | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => {
    let here = true
    fusion.attachments.read({ hash }).then(
      read => here && setText(read.text),
      (error: unknown) => here && setProblem(sentence(Failure.toBody(error)).what),
    )
    return () => {
      here = false
    }
  }, [hash])
  if (problem) return <p role="alert">{problem}</p>
  return text === null ? (
    <p className="empty">Reading the file</p>
  ) : (
    <pre>
      <LongText text={text} />
    </pre>
  )
}
