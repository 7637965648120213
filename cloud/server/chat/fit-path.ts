// Which messages of a path a model's window holds, by whole prompts that its own tokenizer has counted.
import { freedTokens, reservedTokens } from '@fusion/shared/chat/plan-context.ts'

export interface FitFacts {
  /** From the oldest message to the question. */
  roles: readonly ('user' | 'assistant')[]
  /** How many of them the answer before left out: keeping the cut keeps the prefix, and with it the KV cache. */
  previousCut: number
  maxAnswerTokens: number | undefined
  /** Exact tokens of the prompt that begins with this message of the path. */
  count(cut: number): Promise<{ tokens: number; window: number }>
}

export interface Fit {
  /** Messages left out at the beginning of the path. */
  cut: number
  /** Of the prompt that is left; above the window where the question alone does not fit. */
  tokens: number
  window: number
  leftOutTokens: number
}

/** The same cut as `planContext` makes, found with as many counts as the number of questions has binary digits. */
export async function fitPath({ roles, previousCut, maxAnswerTokens, count }: FitFacts): Promise<Fit> {
  const whole = await count(0)
  const { window } = whole
  const reserved = reservedTokens(window, maxAnswerTokens)
  const counted = new Map([[0, whole.tokens]])
  async function tokensFrom(cut: number): Promise<number> {
    const known = counted.get(cut) ?? (await count(cut)).tokens
    counted.set(cut, known)
    return known
  }
  const fits = async (cut: number, limit: number) => (await tokensFrom(cut)) + reserved <= limit

  // What is kept begins with a question: an answer without its question misleads the model, and some templates refuse it.
  const last = roles.length - 1
  const cuts = [0, ...roles.flatMap((role, index) => (index > 0 && (role === 'user' || index === last) ? [index] : []))]
  let at = cuts.findIndex(cut => cut >= Math.min(previousCut, last))
  if (!(await fits(cuts[at]!, window))) {
    const limit = window - freedTokens(window)
    // The shortest history is taken where none fits: the question, which then may be too long by itself.
    let end = cuts.length - 1
    at = Math.min(at + 1, end)
    while (at < end) {
      const middle = (at + end) >> 1
      if (await fits(cuts[middle]!, limit)) end = middle
      else at = middle + 1
    }
  }
  const cut = cuts[at]!
  const tokens = await tokensFrom(cut)
  return { cut, tokens, window, leftOutTokens: whole.tokens - tokens }
}
