import type { Settings } from '@fusion/shared/contract/settings.ts'
import { wishedModel } from '@fusion/shared/models/wished-model.ts'
import type { Models } from '../models/models.ts'
import { unlessAborted } from '../unless-aborted.ts'

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
