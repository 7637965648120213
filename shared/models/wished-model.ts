import type { ModelEntry } from '../contract/model.ts'

/**
 * The model that answers: the chat's wish, else the default of the settings, else the best one there is (any model of the person's own before
 * the bundled guide; of several the one that is ready, then the one with the most parameters). undefined: there is none.
 * A wish for a model that is gone is given back as it is, so that its turn fails in words and no other model answers silently.
 */
export function wishedModel(wish: string | null, defaultModelId: string | null, entries: readonly ModelEntry[]): string | undefined {
  if (wish) return wish
  if (defaultModelId && entries.some(entry => entry.id === defaultModelId)) return defaultModelId
  const rank = (entry: ModelEntry) =>
    [entry.source === 'bundled' ? 0 : 1, entry.state.at === 'ready' ? 1 : 0, entry.file.parameters] as const
  return entries.toSorted((a, b) => {
    const [left, right] = [rank(b), rank(a)]
    return left[0] - right[0] || left[1] - right[1] || left[2] - right[2]
  })[0]?.id
}
