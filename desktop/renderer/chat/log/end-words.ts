import { textOf, type Message } from '@fusion/shared/chat/message.ts'

/** How an answer that did not fail ended, where that has to be said. */
export function endWords(message: Pick<Message, 'parts' | 'status' | 'finishReason'>): string | null {
  const { status, finishReason } = message
  const begun = textOf(message) !== ''
  if (status === 'stopped') return begun ? 'Stopped.' : 'Stopped before the first word.'
  if (finishReason === 'length') return 'Cut off: the answer reached the length that is set.'
  if (finishReason === 'window') return 'Cut off: the model’s window is full.'
  return begun ? null : 'The model ended without a word.'
}
