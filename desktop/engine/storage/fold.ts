import type { Part } from '@fusion/shared/chat/message.ts'

export type GrowthPart = 'text' | 'reasoning'

/** What was there at the beginning and all that was appended since, as parts. A message has at most one text and one reasoning that grow. */
export function fold(parts: readonly Part[], growth: readonly { part: GrowthPart; text: string }[]): Part[] {
  const folded = [...parts]
  const appended = new Map<GrowthPart, string[]>()
  for (const { part, text } of growth) {
    const pieces = appended.get(part)
    if (pieces) pieces.push(text)
    else appended.set(part, [text])
  }
  for (const [type, pieces] of appended) {
    const index = folded.findIndex(part => part.type === type)
    const begun = folded[index]
    if (begun?.type === type) folded[index] = { type, text: begun.text + pieces.join('') }
    else folded.push({ type, text: pieces.join('') })
  }
  return folded
}
