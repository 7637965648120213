import { detokenize, END_TOKEN } from './mock-model.ts'

export interface Written {
  text: string
  tokens: number[]
  finish: 'stop' | 'length' | null
}

export interface WriterOptions {
  prompt: readonly number[]
  maxTokens: number
  minTokens: number
  stops: readonly string[]
  stopTokens: readonly number[]
  ignoreEnd: boolean
}

/** Text of an answer as vLLM tells it, token by token: no half characters, and what may begin a stop string is held back. */
export function createWriter({ prompt, maxTokens, minTokens, stops, stopTokens, ignoreEnd }: WriterOptions) {
  const decoder = new TextDecoder()
  // A character may have begun in the prompt.
  for (const token of prompt.slice(-4)) decoder.decode(bytes(token), { stream: true })
  const holdBack = Math.max(0, ...stops.map(({ length }) => length - 1))
  let made = 0
  let text = ''
  let told = 0
  return {
    take(token: number): Written {
      made += 1
      const ends = (token === END_TOKEN && !ignoreEnd) || stopTokens.includes(token)
      if (!ends) text += decoder.decode(bytes(token), { stream: true })
      const stopAt = made > minTokens ? Math.min(...stops.map(stop => text.indexOf(stop)).filter(at => at >= 0)) : Infinity
      const stopped = (ends && made > minTokens) || Number.isFinite(stopAt)
      const finish = stopped ? 'stop' : made >= maxTokens ? 'length' : null
      if (Number.isFinite(stopAt)) text = text.slice(0, stopAt)
      const upTo = finish ? text.length : Math.max(told, text.length - holdBack)
      const piece = text.slice(told, upTo)
      told = upTo
      return { text: piece, tokens: [token], finish }
    },
    made: () => made,
  }
}

const bytes = (token: number): Uint8Array => (token < 256 ? Uint8Array.of(token) : new TextEncoder().encode(detokenize([token])))
