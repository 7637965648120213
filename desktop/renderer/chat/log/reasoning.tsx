import type { Message } from '@fusion/shared/chat/message.ts'
import { textOf } from '@fusion/shared/chat/message.ts'
import { ChevronRight } from 'lucide-react'
import { useState } from 'react'
import { formatDuration } from '../../ui/format.ts'
import { Markdown } from '../markdown/markdown.tsx'

/** What a reasoning model thought, folded. Its text is rendered only when somebody opens it. */
export function Reasoning({ text, thinking, message }: { text: string; thinking: boolean; message: Message }) {
  const [open, setOpen] = useState(false)
  const took = thinking ? null : thoughtMs(text, message)
  return (
    <div className="reasoning">
      <button type="button" className="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
        <ChevronRight size={14} strokeWidth={1.8} aria-hidden />
        {thinking ? 'Thinking…' : took === null ? 'Thought about it' : `Thought for ${formatDuration(took)}`}
      </button>
      {open && <Markdown text={text} growing={thinking} />}
    </div>
  )
}

/** The time of thinking is not recorded: its share of the answer's characters, at the answer's speed. */
export function thoughtMs(reasoning: string, message: Message): number | null {
  const [segment] = message.segments
  if (!segment?.tokensPerSecond) return null
  const share = reasoning.length / (reasoning.length + textOf(message).length)
  return ((segment.completionTokens * share) / segment.tokensPerSecond) * 1000
}
