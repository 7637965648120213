import { textOf, type Message } from '@fusion/shared/chat/message.ts'
import { useMemo } from 'react'
import { ask, fusion, link } from '../../state/fusion.ts'
import { usePresentCloudModel } from '../../models/present-cloud-model.ts'
import { CopyButton } from '../../ui/copy-button.tsx'
import { Markdown } from '../markdown/markdown.tsx'
import { ImagesOf } from '../markdown/remote-image.tsx'
import { AnswerEnd } from './answer-end.tsx'
import { AskToSend } from './ask-to-send.tsx'
import { BranchSwitcher } from './branch-switcher.tsx'
import { BudgetLine } from './budget-line.tsx'
import type { RowProps } from './message-row.tsx'
import { Origin } from './origin.tsx'
import { Reasoning } from './reasoning.tsx'
import { Seam } from './seam.tsx'
import { TurnLine } from './turn-line.tsx'

/** What the model wrote: its reasoning folded, the text, how it ended, where it was made, and what can be done with it. */
export function Answer({ message, row }: { message: Message; row: RowProps }) {
  const text = textOf(message)
  const reasoning = message.parts.map(part => (part.type === 'reasoning' ? part.text : '')).join('')
  const growing = message.status === 'growing'
  const { conversationId, entry, readOnly, idle } = row
  const cloud = usePresentCloudModel() !== null
  /** Then its one next step stands beside the words for its end. */
  const nothing = text === ''
  const seams = message.segments.slice(1).map((segment, index) => ({
    at: segment.from,
    line: <Seam before={message.segments[index]!} after={segment} />,
  }))
  const act = { conversationId, messageId: message.id }
  const imagesOf = useMemo(() => ({ conversationId, messageId: message.id, link }), [conversationId, message.id])
  return (
    <article aria-label="Assistant" className={growing && cloud ? 'ai from-cloud' : 'ai'} aria-busy={growing}>
      <ImagesOf value={imagesOf}>
        {reasoning && <Reasoning text={reasoning} thinking={growing && text === ''} message={message} />}
        {text && <Markdown text={text} growing={growing} seams={seams} />}
      </ImagesOf>
      {growing && row.turn?.at === 'asking' && <AskToSend conversationId={conversationId} answerId={message.id} />}
      {growing && row.turn && row.turn.at !== 'asking' && <TurnLine turn={row.turn} started={text !== '' || reasoning !== ''} />}
      {!growing && <AnswerEnd message={message} readOnly={readOnly} idle={idle} />}
      {!growing && (
        <footer className="origin">
          <Origin message={message} />
          {entry.siblings && <BranchSwitcher conversationId={conversationId} messageId={message.id} siblings={entry.siblings} />}
          <span className="acts">
            {text && <CopyButton text={() => text} label="Copy answer" />}
            {!readOnly && !nothing && (
              <button type="button" className="quiet" disabled={!idle} onClick={() => ask(fusion.turns.answer(act))}>
                Answer again
              </button>
            )}
          </span>
        </footer>
      )}
      {!growing && row.last && <BudgetLine message={message} />}
    </article>
  )
}
