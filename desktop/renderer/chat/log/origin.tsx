import { budgetSentence } from '@fusion/shared/chat/budget-warning.ts'
import type { Message, Segment } from '@fusion/shared/chat/message.ts'
import { reasonSentence } from '@fusion/shared/routing/routing-reason.ts'
import { modelName } from '../../models/model-words.ts'
import { formatCount, formatDuration } from '../../ui/format.ts'

/** Where an answer was made, by what and how fast; the figures that fewer people want are in the title. */
export function Origin({ message }: { message: Message }) {
  return runsOf(message.segments.filter(told)).map(run => {
    const { from, place, modelName: name, quantization } = run[0]!
    const speed = speedOf(run)
    return (
      <span key={from} className="made" title={run.map(detailsOf).join('\n\n')}>
        <i className={`dot ${place}`} />
        <b>{place === 'desk' ? 'This computer' : 'Cloud'}</b>
        <span>
          {modelName({ name, quantization })}
          {speed !== null && ` · ${formatCount(speed)} tok/s`}
        </span>
      </span>
    )
  })
}

/** A turn that failed or was stopped before its first word has a segment that says nothing. */
const told = (segment: Segment) => segment.modelName !== '' && segment.completionTokens > 0

/** An answer that was cut off and went on at the same place by the same model is said to be made there once. */
function runsOf(segments: readonly Segment[]): Segment[][] {
  const runs: Segment[][] = []
  for (const segment of segments) {
    const last = runs.at(-1)?.[0]
    if (last?.place === segment.place && last.modelId === segment.modelId) runs.at(-1)!.push(segment)
    else runs.push([segment])
  }
  return runs
}

/** All tokens by all of the time: a short piece counts less than a long one. */
function speedOf(run: readonly Segment[]): number | null {
  let tokens = 0
  let seconds = 0
  for (const { completionTokens, tokensPerSecond } of run) {
    if (!tokensPerSecond) continue
    tokens += completionTokens
    seconds += completionTokens / tokensPerSecond
  }
  return seconds > 0 ? tokens / seconds : null
}

function detailsOf(segment: Segment): string {
  const lines = [
    segment.modelReason && reasonSentence(segment.modelReason),
    segment.firstTokenMs !== null && `First word after ${formatDuration(segment.firstTokenMs)}`,
    `${formatCount(segment.completionTokens)} tokens written, ${formatCount(segment.promptTokens)} read`,
    segment.cachedTokens > 0 && `${formatCount(segment.cachedTokens)} of them were kept from before`,
    segment.budgetWarning && budgetSentence(segment.budgetWarning),
    segment.backend && `Computed on ${segment.backend === 'cpu' ? 'the CPU' : segment.backend}`,
  ]
  return lines.filter(Boolean).join('\n')
}
