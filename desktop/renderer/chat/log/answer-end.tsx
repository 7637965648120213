import { textOf, type Message } from '@fusion/shared/chat/message.ts'
import type { Code } from '@fusion/shared/contract/failures.ts'
import { ask, fusion } from '../../state/fusion.ts'
import { shelf } from '../../state/replica.ts'
import { setView } from '../../state/view.ts'
import { FailureLine } from '../../ui/failure-line.tsx'
import { endWords } from './end-words.ts'

/** Failures that another model may not have. */
const OTHER_MODEL = new Set<string>([
  'model-missing',
  'model-file-gone',
  'model-corrupt',
  'model-unsupported',
  'model-too-large',
  'model-load-failed',
  'out-of-memory',
  'prompt-too-long',
] satisfies Code[])

interface AnswerEndProps {
  message: Message
  readOnly: boolean
  idle: boolean
}

/** How an answer ended, where it did not simply end: what happened, what was kept, and the button for what comes next. */
export function AnswerEnd({ message, readOnly, idle }: AnswerEndProps) {
  const { conversationId, status, failure } = message
  const begun = textOf(message) !== ''
  const act = { conversationId, messageId: message.id }
  const goOn = !readOnly && (
    <button
      type="button"
      className="button small"
      disabled={!idle}
      onClick={() => ask(begun ? fusion.turns.goOn(act) : fusion.turns.answer(act))}
    >
      {begun ? 'Go on' : 'Try again'}
    </button>
  )
  if (status === 'failed' && failure) {
    return (
      <FailureLine failure={failure} quiet={failure.code === 'interrupted'}>
        {!readOnly && failure.code === 'prompt-too-long' && message.parentId && <EditAbove questionId={message.parentId} />}
        {!readOnly && OTHER_MODEL.has(failure.code) && (
          <button type="button" className="button small" onClick={() => setView({ panel: 'add-model' })}>
            Add a model
          </button>
        )}
        {!readOnly && failure.code === 'signed-out' && (
          <button type="button" className="button small" onClick={() => setView({ panel: 'settings' })}>
            Sign in
          </button>
        )}
        {failure.code !== 'prompt-too-long' && goOn}
      </FailureLine>
    )
  }
  const words = endWords(message)
  if (!words) return null
  return (
    <p className="ended">
      {words} {goOn}
    </p>
  )
}

function EditAbove({ questionId }: { questionId: string }) {
  const edit = () => {
    const message = shelf.get(questionId)
    if (message) setView({ editing: { messageId: questionId, text: textOf(message) }, goTo: questionId })
  }
  return (
    <button type="button" className="button small" onClick={edit}>
      Edit the question
    </button>
  )
}
