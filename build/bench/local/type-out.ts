import { untilStill } from '../computing.ts'
import type { Chat } from '../fusion.ts'

/** Types a draft, each of `strokes` the whole text so far, and waits as a person who reads it over once more: until it was counted and prefilled. */
export async function typeOut(chat: Chat, strokes: string[], pid: number): Promise<void> {
  const counted = chat.until(event => event.type === 'context-changed' && (event.context?.draftTokens ?? 0) > 0)
  for (const text of strokes) await chat.type(text)
  await counted
  await untilStill(pid)
}
