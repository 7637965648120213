import type { ModelsState } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { ModelEntry } from '@fusion/shared/contract/model.ts'
import { unlessAborted } from '../../engine/unless-aborted.ts'
import type { Tools } from '../command.ts'
import type { OpenEngine } from '../engine/open-engine.ts'
import { whileWatching } from './while-watching.ts'

/** The models that are there, once the files that are being checked have been. */
export function knownModels({ fusion, modelsKnown }: OpenEngine, tools: Pick<Tools, 'terminal' | 'signal'>): Promise<ModelsState> {
  const { signal } = tools
  return whileWatching(fusion, tools, async () => {
    await unlessAborted(modelsKnown, signal)
    for await (const state of fusion.models.watch({}, { signal })) if (!state.arrivals.some(({ at }) => at === 'checking')) return state
    throw failure('cancelled')
  })
}

/** For people: "Qwen2.5 7B Instruct Q4_K_M". */
export const titleOf = ({ file: { name, quantization } }: ModelEntry): string =>
  name.toLowerCase().includes(quantization.toLowerCase()) ? name : `${name} ${quantization}`

/** So much of the id is shown, and is enough to name a model by. */
export const SHOWN_ID = 12

/**
 * The model that was meant: by its whole title, a part of it or of its file's name, or the beginning of its id.
 * Throws `model-unknown`, or `model-ambiguous` where several fit.
 */
export function findModel(written: string, entries: readonly ModelEntry[]): ModelEntry {
  const wanted = written.trim().toLowerCase()
  const namesOf = (entry: ModelEntry) =>
    [entry.file.name, titleOf(entry), entry.path.split(/[\\/]/).at(-1)!].map(name => name.toLowerCase())
  const ways: ((entry: ModelEntry) => boolean)[] = [
    ({ id }) => wanted.length >= 4 && id.startsWith(wanted),
    entry => namesOf(entry).includes(wanted),
    entry => namesOf(entry).some(name => name.includes(wanted)),
  ]
  for (const fits of wanted === '' ? [] : ways) {
    const [found, ...others] = entries.filter(fits)
    if (!found) continue
    if (others.length === 0) return found
    const models = [found, ...others].map(entry => `${titleOf(entry)} (${entry.id.slice(0, SHOWN_ID)})`).join(', ')
    throw failure('model-ambiguous', { name: written, models })
  }
  throw failure('model-unknown', { name: written })
}
