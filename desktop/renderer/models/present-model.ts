import type { ModelEntry } from '@fusion/shared/contract/model.ts'
import { wishedModel } from '@fusion/shared/models/wished-model.ts'
import { useReplica, type Replica } from '../state/replica.ts'

/** The model that answers the open chat: its wish, the default, or else the best one there is, by the engine's own rule. */
export function presentModel({ models, settings, open }: Pick<Replica, 'models' | 'settings' | 'open'>): ModelEntry | null {
  const entries = models?.entries ?? []
  const own = open?.conversation?.settings ?? open?.draftSettings
  const id = wishedModel(own?.modelId ?? null, settings?.defaultModelId ?? null, entries)
  return entries.find(entry => entry.id === id) ?? null
}

/** The same, as a component sees it. */
export function usePresentModel(): ModelEntry | null {
  return useReplica(presentModel)
}
