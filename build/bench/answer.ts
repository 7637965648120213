/** One answer as its reader saw it, in ms of performance.now(). */
export interface Answer {
  /** Enter. */
  startedAt: number
  /** When each piece of text came; a piece is at least one token. */
  arrivals: number[]
  /** When the answer was closed. */
  endedAt: number
  promptTokens: number
  completionTokens: number
}

export const firstTokenMs = ({ startedAt, arrivals }: Answer) => arrivals[0]! - startedAt

/** Tokens after the first, by the time from the first to the last. */
export const tokensPerSecond = ({ arrivals, completionTokens }: Answer) =>
  ((completionTokens - 1) / (arrivals.at(-1)! - arrivals[0]!)) * 1000

/** The waits of a reader between one piece of text and the next. */
export const pauses = (arrivals: number[]) => arrivals.slice(1).map((at, i) => at - arrivals[i]!)

/** Tokens of several chats that were asked at once, by the time from the first question to the last token. */
export function totalTokensPerSecond(answers: Answer[]): number {
  const from = Math.min(...answers.map(answer => answer.startedAt))
  const to = Math.max(...answers.map(answer => answer.arrivals.at(-1)!))
  return (answers.reduce((sum, answer) => sum + answer.completionTokens, 0) / (to - from)) * 1000
}
