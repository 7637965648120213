// Questions that say how they are to be answered: whoever asks knows every word of the answer, and the moments that the model server saw.

export interface Told {
  /** Of this request alone: its answer is made of it, so that no two can be taken for each other. */
  number: number
  tokens: number
  /** From the request to its first token, and between two. */
  firstMs: number
  betweenMs: number
  /** After so many tokens nothing more comes. */
  heldAt?: number | undefined
}

/** As long as an ordinary prompt with some context. */
const CONTEXT = 'Some words of context that a model reads before it answers. '.repeat(16)
const FORM = /^Answer (\d+): (\d+) tokens, the first after (\d+) ms, then each after (\d+) ms(?:, held at (\d+))?\. /

export function questionOf({ number, tokens, firstMs, betweenMs, heldAt }: Told): string {
  const held = heldAt === undefined ? '' : `, held at ${heldAt}`
  return `Answer ${number}: ${tokens} tokens, the first after ${firstMs} ms, then each after ${betweenMs} ms${held}. ${CONTEXT}`
}

/** Undefined for any other text. */
export function readQuestion(text: string): Told | undefined {
  const found = FORM.exec(text)
  if (!found) return undefined
  const [number, tokens, firstMs, betweenMs] = found.slice(1, 5).map(Number) as [number, number, number, number]
  return { number, tokens, firstMs, betweenMs, heldAt: found[5] === undefined ? undefined : Number(found[5]) }
}

export const promptTokens = (question: string): number => Math.ceil(question.length / 4)

/** The first token tells when the request came and when the token was written, by the clock that all processes of a machine share; in µs. */
export const firstToken = (cameUs: number, writtenUs: number): string => `${cameUs}-${writtenUs}`
export const laterToken = (number: number, index: number): string => ` ${number}.${index}`

/** How long the model server took to its first token, in µs. Throws for any answer but the one that was asked for. */
export function readAnswer(answer: string, { number, tokens }: Told): number {
  const found = /^(\d+)-(\d+)(.*)$/.exec(answer)
  let rest = ''
  for (let index = 1; index < tokens; index++) rest += laterToken(number, index)
  if (!found || found[3] !== rest) throw new Error(`The answer to ${number} is another: ${answer.slice(0, 100)}`)
  return Number(found[2]) - Number(found[1])
}
