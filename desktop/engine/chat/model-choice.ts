import type { ModelEntry } from '@fusion/shared/contract/model.ts'
import type { Settings } from '@fusion/shared/contract/settings.ts'
import type { Models } from '../models/models.ts'
import { unlessAborted } from './unless-aborted.ts'

export interface ModelChoice {
  /** Which model would answer now; undefined: there is none. */
  now(wish: string | null): string | undefined
  /** The same, but right after a first start, while the files are still being checked, it waits for them before saying that there is none. */
  known(wish: string | null, signal: AbortSignal): Promise<string | undefined>
}

/** Chooses the model for a chat; `modelsKnown` resolves when the model files that lie here have been read. */
export function createModelChoice({
  models,
  modelsKnown,
  settings,
}: {
  models: Models
  modelsKnown: Promise<void>
  settings: () => Settings
}): ModelChoice {
  const now = (wish: string | null) => wishedModel(wish, settings().defaultModelId, models.state().entries)
  return {
    now,
    async known(wish, signal) {
      const chosen = now(wish)
      if (!models.state().entries.some(entry => entry.id === chosen)) await unlessAborted(modelsKnown, signal)
      return now(wish)
    },
  }
}

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
