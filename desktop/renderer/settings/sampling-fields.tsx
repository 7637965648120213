import type { Sampling } from '@fusion/shared/chat/conversation.ts'
import { NumberField } from './fields.tsx'

const numbers = [
  { key: 'temperature', label: 'Temperature', hint: 'Lower is steadier, higher is more varied.', min: 0, max: 2, step: 0.1 },
  { key: 'topP', label: 'Top P', hint: 'Only words that together have this probability.', min: 0, max: 1, step: 0.05 },
  { key: 'topK', label: 'Top K', hint: 'Only so many of the likeliest words; 0 is all.', min: 0, max: 1000, step: 1 },
  { key: 'minP', label: 'Min P', hint: 'Only words at least this likely, next to the likeliest.', min: 0, max: 1, step: 0.01 },
  { key: 'repeatPenalty', label: 'Repeat penalty', hint: 'Above 1 makes repeating less likely.', min: 0.5, max: 2, step: 0.05 },
  { key: 'presencePenalty', label: 'Presence penalty', hint: 'Above 0 favours words that were not used yet.', min: -2, max: 2, step: 0.1 },
  {
    key: 'frequencyPenalty',
    label: 'Frequency penalty',
    hint: 'Above 0 disfavours words the more they were used.',
    min: -2,
    max: 2,
    step: 0.1,
  },
  {
    key: 'seed',
    label: 'Seed',
    hint: 'The same seed gives the same answer on the same computer.',
    min: 0,
    max: 4294967295,
    step: 1,
    otherwise: 'random',
  },
  {
    key: 'maxTokens',
    label: 'Longest answer',
    hint: 'In tokens.',
    min: 1,
    max: 1_000_000,
    step: 1,
    otherwise: 'no limit',
  },
] as const satisfies readonly { key: keyof Sampling; [more: string]: unknown }[]

interface SamplingFieldsProps {
  sampling: Sampling
  /** Of one chat: an empty field leaves it to the settings, and those to the model. */
  ofChat?: boolean
  onChange: (sampling: Sampling) => void
}

/** How words are chosen; each empty field leaves it to the next in line. */
export function SamplingFields({ sampling, ofChat = false, onChange }: SamplingFieldsProps) {
  return (
    <details className="sampling">
      <summary>How words are chosen</summary>
      {numbers.map(({ key, ...field }) => (
        <NumberField
          key={key}
          {...field}
          value={sampling[key] ?? null}
          placeholder={ofChat ? 'as in settings' : 'otherwise' in field ? field.otherwise : 'the model’s'}
          onChange={value => {
            const { [key]: _before, ...others } = sampling
            onChange(value === null ? others : { ...others, [key]: value })
          }}
        />
      ))}
    </details>
  )
}
