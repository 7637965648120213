import type { ModelEntry } from '@fusion/shared/contract/model.ts'
import { useReplica, type Replica } from '../state/replica.ts'

/** The model that answers the open chat: its wish, the default, or else the best one there is, by the engine's own rule. */
export function presentModel({ models, settings, open }: Pick<Replica, 'models' | 'settings' | 'open'>): ModelEntry | null {
  const entries = models?.entries ?? []
  const find = (id: string | null | undefined) => (id ? entries.find(entry => entry.id === id) : undefined)
  const wish = open?.conversation?.settings.modelId
  if (wish) return find(wish) ?? null
  const rank = (entry: ModelEntry) =>
    [entry.source === 'bundled' ? 0 : 1, entry.state.at === 'ready' ? 1 : 0, entry.file.parameters] as const
  const best = entries.toSorted((a, b) => {
    const [left, right] = [rank(b), rank(a)]
    return left[0] - right[0] || left[1] - right[1] || left[2] - right[2]
  })[0]
  return find(settings?.defaultModelId) ?? best ?? null
}

/** The same, as a component sees it. */
export function usePresentModel(): ModelEntry | null {
  return useReplica(presentModel)
}
