import type { Segment } from '@fusion/shared/chat/message.ts'

/** The line where an answer went on: elsewhere, with another model, or just later. */
export function Seam({ before, after }: { before: Segment; after: Segment }) {
  return (
    <p className={`seam ${after.place}`}>
      <span>{seamWords(before, after)}</span>
    </p>
  )
}

/** "continued in the cloud with Qwen 14B". */
export function seamWords(before: Segment, after: Segment): string {
  const where =
    after.place === before.place ? 'continued here' : after.place === 'cloud' ? 'continued in the cloud' : 'continued on this computer'
  return after.modelId === before.modelId ? `${where} after it was cut off` : `${where} with ${after.modelName}`
}
