import { memo, type Ref } from 'react'
import type { PathEntry, TurnState } from '@fusion/shared/contract/engine.ts'
import { useMessage } from '../../state/replica.ts'
import { Answer } from './answer.tsx'
import { Question } from './question.tsx'

export interface RowProps {
  conversationId: string
  entry: PathEntry
  parentId: string | null
  /** A question that is not being answered yet: behind a growing answer, or behind a failed one. */
  waiting: 'queued' | 'paused' | null
  /** What the turn does, for the answer it is making. */
  turn: TurnState | null
  idle: boolean
  last: boolean
  /** The first message that the model still reads. */
  windowBegins: boolean
  readOnly: boolean
}

interface MessageRowProps extends RowProps {
  ref: Ref<HTMLDivElement>
}

/** One message of the column. It renders again when its own body or place changes, not when another message grows. */
export const MessageRow = memo(
  function MessageRow({ ref, ...row }: MessageRowProps) {
    const message = useMessage(row.entry.id)
    const name = row.entry.role === 'user' ? 'You' : 'Assistant'
    return (
      <div className={`row ${row.entry.role} ${row.last ? 'last' : ''}`} ref={ref}>
        {row.windowBegins && <p className="window-mark">Earlier messages are not read by the model any more</p>}
        {!message && <article aria-label={name} aria-busy className={`placeholder ${row.entry.role}`} />}
        {message?.role === 'user' && <Question message={message} row={row} />}
        {message?.role === 'assistant' && <Answer message={message} row={row} />}
      </div>
    )
  },
  (before, after) => {
    const { entry: oldEntry, ...old } = before
    const { entry: newEntry, ...next } = after
    const same = (Object.keys(next) as (keyof typeof next)[]).every(key => old[key] === next[key])
    return same && oldEntry.id === newEntry.id && oldEntry.siblings?.join() === newEntry.siblings?.join()
  },
)
