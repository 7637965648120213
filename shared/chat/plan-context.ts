/** A message of the path as the planner sees it: exact tokens as the model's template writes it. */
export interface PathTokens {
  role: 'user' | 'assistant'
  tokens: number
}

export interface ContextFacts {
  windowTokens: number
  /** What frames every prompt: beginning of text, the header of the answer. */
  frameTokens: number
  systemTokens: number
  /** The path from the root to the question, which is its last element. */
  path: readonly PathTokens[]
  /** The beginning of the answer, where one is gone on from. */
  answerStartTokens: number
  /** How long the answer may get; absent: a quarter of the window is kept for it. */
  maxAnswerTokens?: number | undefined
  /** How many messages of this path the answer before left out. Keeping the cut keeps the prefix, and with it the KV state. */
  previousCut: number
}

export interface ContextPlan {
  /** Messages left out at the beginning of the path. */
  cut: number
  historyTokens: number
  questionTokens: number
  leftOutTokens: number
  reservedTokens: number
  promptTokens: number
  /** The system prompt and the question alone do not fit: nothing that could be left out would help. */
  questionTooLong: boolean
}

/** Tokens kept for the answer. Small windows and long answers: never more than a quarter of the window. */
export function reservedTokens(windowTokens: number, maxAnswerTokens: number | undefined): number {
  const quarter = Math.floor(windowTokens / 4)
  return Math.min(maxAnswerTokens ?? quarter, quarter, 4096)
}

/**
 * When something has to go, so much is freed at once, so that the prefix then stays the same for several turns (a window that slides by one
 * message at each turn would be prefilled anew at each turn: lmstudio-bug-tracker#2060).
 */
export const freedTokens = (windowTokens: number): number => Math.floor(windowTokens / 4)

/** Which messages the model reads: the system prompt, the question, and the newest turns that fit, beginning with a question. */
export function planContext(facts: ContextFacts): ContextPlan {
  const { windowTokens, frameTokens, systemTokens, path, answerStartTokens, maxAnswerTokens, previousCut } = facts
  const reserved = reservedTokens(windowTokens, maxAnswerTokens)
  const question = path.at(-1)?.tokens ?? 0
  const fixed = frameTokens + systemTokens + answerStartTokens
  // One token must be left to answer with, whatever was reserved.
  const questionTooLong = fixed + question + 1 > windowTokens
  const last = Math.max(path.length - 1, 0)

  let historyTokens = 0
  for (let index = 0; index < last; index++) historyTokens += path[index]!.tokens
  let leftOutTokens = 0
  let cut = 0
  const leaveOutUntil = (enough: () => boolean) => {
    while (cut < last && !enough()) {
      leftOutTokens += path[cut]!.tokens
      historyTokens -= path[cut]!.tokens
      cut++
    }
  }
  const fits = (limit: number) => fixed + historyTokens + question + reserved <= limit

  leaveOutUntil(() => cut >= previousCut)
  if (!fits(windowTokens)) leaveOutUntil(() => fits(windowTokens - freedTokens(windowTokens)))
  // What is kept begins with a question: an answer without its question misleads the model, and some templates refuse it.
  if (cut > 0) leaveOutUntil(() => path[cut]!.role === 'user')

  return {
    cut,
    historyTokens,
    questionTokens: question,
    leftOutTokens,
    reservedTokens: reserved,
    promptTokens: fixed + historyTokens + question,
    questionTooLong,
  }
}
