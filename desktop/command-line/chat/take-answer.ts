import type { PassingEvent, PassingQuestion } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { unlessAborted } from '../../engine/unless-aborted.ts'
import type { Tools } from '../command.ts'
import type { OpenEngine } from '../engine/open-engine.ts'
import { count } from '../in-words.ts'
import { whileWatching } from '../models/while-watching.ts'

export type Begun = Extract<PassingEvent, { type: 'answer-begun' }>
export type Finished = Extract<PassingEvent, { type: 'answer-finished' }>
export interface Answer {
  text: string
  reasoning: string
  begun: Begun
  finished: Finished
}

/**
 * Asks and takes the answer as it comes: its text goes to `onText`, what there is to know meanwhile beside the output.
 * Throws `cancelled` at once when it is stopped.
 */
export async function takeAnswer(
  { fusion }: OpenEngine,
  question: PassingQuestion,
  tools: Pick<Tools, 'terminal' | 'signal'>,
  onText: (text: string) => Promise<void>,
): Promise<Answer> {
  const { terminal, signal } = tools
  const events = fusion.models.answer(question, { signal })
  let begun: Begun | undefined
  let text = ''
  let reasoning = ''
  const first = await whileWatching(fusion, tools, () => unlessAborted(events.next(), signal))
  for (let next = first; !next.done; next = await unlessAborted(events.next(), signal)) {
    const event = next.value
    switch (event.type) {
      case 'answer-begun':
        begun = event
        if (event.leftOut.messages > 0) terminal.say(leftOutWords(event))
        break
      case 'prefill-progress':
        if (event.total > 0) terminal.progress(`Reading … ${Math.round((event.done / event.total) * 100)} %`)
        break
      case 'text-delta':
        if (event.part === 'text') {
          text += event.text
          await onText(event.text)
        } else {
          reasoning += event.text
          terminal.progress('Thinking …')
        }
        break
      case 'answer-finished':
        if (begun) return { text, reasoning, begun, finished: event }
    }
  }
  throw failure('internal')
}

const leftOutWords = ({ leftOut: { messages, tokens } }: Begun) =>
  `The window is full: the model does not read the oldest ${count(messages, 'message')} (${count(tokens, 'token')}) any more.`
