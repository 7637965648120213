import { backendName } from '../in-words.ts'
import { dim, type Terminal } from '../terminal.ts'
import type { Answer } from './take-answer.ts'

/** Under an answer: where it ended if not by itself, and, for a person, where it was made, by what and how fast. */
export function sayEnd({ begun, finished }: Answer, terminal: Terminal): void {
  if (finished.reason === 'window') terminal.say('The window of the model is full: the answer ends here.')
  if (finished.reason === 'length') terminal.say('The answer may have no more tokens: it ends here.')
  if (!terminal.shows) return
  const speed = finished.tokensPerSecond
  const { modelName, quantization, backend } = begun
  const parts = ['This computer', `${modelName} ${quantization}`.trim(), backendName(backend)]
  if (speed !== null) parts.push(`${speed < 10 ? speed.toFixed(1) : Math.round(speed)} tokens/s`)
  terminal.say(dim(parts.join(' · ')))
}
