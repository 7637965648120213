import type { ModelEntry, ModelFile } from '@fusion/shared/contract/model.ts'

/** A model file that was hashed and checked. `bytes` and `mtimeMs` tell whether it still is that file. */
export interface KnownModel {
  id: string
  path: string
  file: ModelFile
  source: ModelEntry['source']
  bytes: number
  mtimeMs: number
}

export interface KeptState {
  conversationId: string
  modelId: string
  /** Its name in the data folder's `states`. */
  file: string
  bytes: number
  tokens: number
  usedAt: number
}

/** What is remembered in the database. */
export interface Registries {
  models: {
    all(): KnownModel[]
    put(model: KnownModel): void
    remove(id: string): void
  }
  states: {
    /** Used longest ago first. */
    all(): KeptState[]
    get(conversationId: string, modelId: string): KeptState | undefined
    put(state: KeptState): void
    touch(conversationId: string, modelId: string): void
    remove(conversationId: string, modelId?: string): string[]
  }
}
