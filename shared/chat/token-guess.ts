/**
 * About how many tokens a text has, where no tokenizer of its model is at hand: 3.5 characters of ASCII a token, one of any other script.
 * Models differ by a factor, which `createTokenGuess` learns.
 */
function roughTokens(text: string): number {
  let beyond = 0
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 127) beyond++
  return (text.length - beyond) / 3.5 + beyond
}

/** Of fewer tokens the template is too large a part. */
const LEAST_LEARNED = 200
/** A guess is never trusted to be so many times off: what a cloud counts may not make every prompt empty, or endless. */
const FACTOR = { least: 0.2, most: 10 }

export interface TokenGuess {
  /** Changes with what is learned: under it, a guess may be remembered. */
  key(model: string): string
  tokens(model: string, text: string): number
  /** The model's own count of what was guessed to be `guessed`, with nothing learned of this model in between. */
  learn(model: string, guessed: number, counted: number): void
  /** The model's own count of this text in its template. Many may be told of side by side. */
  learnFrom(model: string, text: string, counted: number): void
}

/** Guesses lengths in tokens, and better with each prompt that a model has counted. */
export function createTokenGuess(): TokenGuess {
  const factors = new Map<string, number>()
  const factor = (model: string) => factors.get(model) ?? 1
  const set = (model: string, to: number) => void factors.set(model, Math.min(FACTOR.most, Math.max(FACTOR.least, to)))
  return {
    key: model => factor(model).toFixed(3),
    tokens: (model, text) => Math.ceil(roughTokens(text) * factor(model)),
    learn(model, guessed, counted) {
      if (guessed > 0 && counted > 0) set(model, (factor(model) * counted) / guessed)
    },
    learnFrom(model, text, counted) {
      const rough = roughTokens(text)
      if (rough >= LEAST_LEARNED && counted > 0) set(model, counted / rough)
    },
  }
}
