import type { ModelEntry } from '@fusion/shared/contract/model.ts'
import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import { findModel, modelNames } from './model-names.ts'

/** A model as OpenAI lists it; `max_model_len` is vLLM's name for its window: what it was loaded with, else what it was made for. */
const modelBody = (name: string, { file, state }: ModelEntry) => ({
  id: name,
  object: 'model',
  // Nobody knows when a file's model was made; OpenAI's clients want a number.
  created: 0,
  owned_by: 'fusion',
  max_model_len: state.at === 'ready' ? state.loaded.contextTokens : file.trainedContextTokens,
})

/** `GET /v1/models`. */
export const listModels = (entries: readonly ModelEntry[]) => ({
  object: 'list',
  data: [...modelNames(entries)].map(([name, entry]) => modelBody(name, entry)),
})

/** `GET /v1/models/NAME`. */
export function oneModel(entries: readonly ModelEntry[], wanted: string) {
  const found = findModel(entries, wanted)
  if (!found) throw new WrongRequest(`The model '${wanted}' does not exist.`, { param: 'model', code: 'model_not_found', status: 404 })
  return modelBody(found.name, found.entry)
}
