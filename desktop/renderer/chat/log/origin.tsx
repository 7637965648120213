import type { Message, Segment } from '@fusion/shared/chat/message.ts'
import { modelName } from '../../models/model-words.ts'
import { formatCount, formatDuration } from '../../ui/format.ts'

/** Where an answer was made, by what and how fast; the figures that fewer people want are in the title. */
export function Origin({ message }: { message: Message }) {
  return message.segments.filter(told).map(segment => (
    <span key={segment.from} className="made" title={detailsOf(segment)}>
      <i className={`dot ${segment.place}`} />
      <b>{segment.place === 'desk' ? 'This computer' : 'Cloud'}</b>
      <span>
        {modelName({ name: segment.modelName, quantization: segment.quantization })}
        {segment.tokensPerSecond !== null && ` · ${formatCount(segment.tokensPerSecond)} tok/s`}
      </span>
    </span>
  ))
}

/** A turn that failed or was stopped before its first word has a segment that says nothing. */
const told = (segment: Segment) => segment.modelName !== '' && segment.completionTokens > 0

function detailsOf(segment: Segment): string {
  const lines = [
    segment.firstTokenMs !== null && `First word after ${formatDuration(segment.firstTokenMs)}`,
    `${formatCount(segment.completionTokens)} tokens written, ${formatCount(segment.promptTokens)} read`,
    segment.cachedTokens > 0 && `${formatCount(segment.cachedTokens)} of them were kept from before`,
    segment.backend && `Computed on ${segment.backend === 'cpu' ? 'the CPU' : segment.backend}`,
  ]
  return lines.filter(Boolean).join('\n')
}
