import { BATCH_TOKENS } from './share-prompts.ts'

/** Chooses how much of the waiting prompts is computed between two steps of growing answers, by how long both took before. */
export interface SliceSize {
  /** Tokens of the next slice; `answersGrow`: they pause for it. Without them it is a draft's, and only an answer that comes would wait. */
  tokens(answersGrow: boolean): number
  stepTook(ms: number): void
  sliceTook(tokens: number, ms: number): void
}

/** Before anything is known: 130 ms on two slow cores (0.5B, Q4_K_M), far less wherever it matters more. */
const FIRST_TOKENS = 32
/** Fewer gain nothing: each batch has a price of its own. */
const FEWEST_TOKENS = 16
/** A growing answer may pause for ten of its steps (median; design): one is its own step, and a part stays for what a slice takes longer than the last. */
const STEPS = 8.2
/** Whatever the steps take: Stop, and a question that comes, wait for a slice. */
const LONGEST_MS = 500
/** What a draft may keep an answer waiting. */
const DRAFT_MS = 150

/** New measurements count a quarter: one slow step is not a slow model. */
const smooth = (old: number | undefined, value: number) => (old === undefined ? value : old + (value - old) / 4)

export function createSliceSize(): SliceSize {
  let stepMs: number | undefined
  let tokenMs: number | undefined
  let last = FIRST_TOKENS
  /** What was chosen for the slice under way; undefined: the batch under way is no slice. */
  let chosen: number | undefined

  function choose(answersGrow: boolean): number {
    if (tokenMs === undefined || (answersGrow && stepMs === undefined)) return FIRST_TOKENS
    const room = answersGrow ? Math.min(stepMs! * STEPS, LONGEST_MS) : DRAFT_MS
    // Twice the last one at most: larger slices take less time a token (a graphics card), or more (a long context).
    return Math.min(Math.max(Math.floor(room / tokenMs), FEWEST_TOKENS), last * 2, BATCH_TOKENS)
  }

  return {
    tokens(answersGrow) {
      chosen = choose(answersGrow)
      return chosen
    },
    stepTook(ms) {
      stepMs = smooth(stepMs, ms)
    },
    sliceTook(tokens, ms) {
      const wanted = chosen
      chosen = undefined
      // Neither a whole batch, which was no slice, nor the rest of a prompt says how long a slice takes.
      if (wanted === undefined || tokens < wanted / 2) return
      tokenMs = smooth(tokenMs, ms / tokens)
      last = tokens
    },
  }
}
