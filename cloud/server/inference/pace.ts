/** How much the last answer counts in what was seen of all. */
const WEIGHT = 0.1
/** A shorter answer says more of its prompt than of its model. */
const LEAST_TOKENS = 16

export type Pace = ReturnType<typeof createPace>

/** How fast models answer: tokens a second of whole answers, waiting and prompts included, on the average of the last ones of this server. */
export function createPace() {
  const paces = new Map<string, number>()
  return {
    seen(model: string, tokens: number, durationMs: number): void {
      if (tokens < LEAST_TOKENS || durationMs <= 0) return
      const now = (tokens * 1000) / durationMs
      const before = paces.get(model) ?? now
      paces.set(model, before + WEIGHT * (now - before))
    },
    /** null: none was seen yet. */
    of: (model: string): number | null => paces.get(model) ?? null,
  }
}
