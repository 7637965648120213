import type { AttachmentPart } from '@fusion/shared/chat/message.ts'
import { FileText, X } from 'lucide-react'
import { useEffect, useState } from 'react'
import { fusion } from '../../state/fusion.ts'
import { formatBytes, formatCount } from '../../ui/format.ts'

interface DraftAttachmentProps {
  conversationId: string
  attachment: AttachmentPart
  /** The model whose tokens count; another one counts anew. */
  modelId: string | null
  onRemove: () => void
}

/** A file that goes with the next question: its name, its exact tokens (its size until the model is there), and a way to take it out. */
export function DraftAttachment({ conversationId, attachment, modelId, onRemove }: DraftAttachmentProps) {
  const [tokens, setTokens] = useState<number | null>(null)
  useEffect(() => {
    let here = true
    setTokens(null)
    fusion.attachments.count({ conversationId, hash: attachment.hash }).then(
      count => here && setTokens(count.tokens),
      () => {}, // the size stands there instead
    )
    return () => {
      here = false
    }
  }, [conversationId, attachment.hash, modelId])
  return (
    <li className="attachment">
      <FileText size={15} strokeWidth={1.8} aria-hidden />
      <span>{attachment.name}</span>
      <small>{tokens === null ? formatBytes(attachment.bytes) : `${formatCount(tokens)} tokens`}</small>
      <button type="button" className="icon small" aria-label={`Take out ${attachment.name}`} onClick={onRemove}>
        <X size={14} strokeWidth={1.8} aria-hidden />
      </button>
    </li>
  )
}
