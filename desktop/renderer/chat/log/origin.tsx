import type { Message, Segment } from '@fusion/shared/chat/message.ts'
import { formatCount, formatDuration } from '../../ui/format.ts'

/** Where an answer was made, by what and how fast; the figures that fewer people want are in the title. */
export function Origin({ message }: { message: Message }) {
  return message.segments.filter(told).map(segment => (
    <span key={segment.from} className="made" title={detailsOf(segment)}>
      <i className={`dot ${segment.place}`} />
      <b>{segment.place === 'desk' ? 'This computer' : 'Cloud'}</b>
      <span>
        {modelOf(segment)}
        {segment.tokensPerSecond !== null && ` · ${formatCount(segment.tokensPerSecond)} tok/s`}
      </span>
    </span>
  ))
}

/** A turn that failed or was stopped before its first word has a segment that says nothing. */
const told = (segment: Segment) => segment.modelName !== '' && segment.completionTokens > 0

/** "Guide Q4_K_M"; a name that says its quantization already is not made to say it twice. */
export function modelOf({ modelName, quantization }: Pick<Segment, 'modelName' | 'quantization'>): string {
  return modelName.toLowerCase().includes(quantization.toLowerCase()) ? modelName : `${modelName} ${quantization}`
}

function detailsOf(segment: Segment): string {
  const lines = [
    segment.firstTokenMs !== null && `First word after ${formatDuration(segment.firstTokenMs)}`,
    `${formatCount(segment.completionTokens)} tokens written, ${formatCount(segment.promptTokens)} read`,
    segment.cachedTokens > 0 && `${formatCount(segment.cachedTokens)} of them were kept from before`,
    segment.backend && `Computed on ${segment.backend === 'cpu' ? 'the CPU' : segment.backend}`,
  ]
  return lines.filter(Boolean).join('\n')
}
