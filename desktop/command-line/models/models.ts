import { resolve } from 'node:path'
import { failure, sentence } from '@fusion/shared/contract/failures.ts'
import type { ModelEntry } from '@fusion/shared/contract/model.ts'
import { type Given, WrongUse } from '../arguments.ts'
import type { Tools } from '../command.ts'
import { type OpenEngine, withEngine } from '../engine/open-engine.ts'
import { json } from '../harmless.ts'
import { backendName, size } from '../in-words.ts'
import { table } from '../table.ts'
import { bold, dim } from '../terminal.ts'
import { findModel, knownModels, SHOWN_ID, titleOf } from './known-models.ts'
import { whileWatching } from './while-watching.ts'

/** What a model is for programs. */
const forPrograms = ({ id, file, path, source, state }: ModelEntry) => ({ id, ...file, path, source, state: state.at })

export async function listModels(given: Given, tools: Tools): Promise<void> {
  const { terminal } = tools
  noWords(given)
  const { entries, arrivals } = await withEngine(tools, engine => knownModels(engine, tools))
  const refused = arrivals.filter(({ at }) => at === 'refused')
  if (given.flag('json')) {
    return terminal.print(json({ models: entries.map(forPrograms), refused: refused.map(({ name, failure }) => ({ name, failure })) }))
  }
  if (entries.length === 0) await terminal.print('There is no model yet. Add one: fusion models add FILE.gguf')
  const rows = entries.map(entry => [titleOf(entry), size(entry.file.bytes), inWords(entry), entry.id.slice(0, SHOWN_ID)])
  for (const [name, ...rest] of table(rows)) await terminal.print(bold(name!), dim(rest.join('')))
  for (const { name, failure } of refused) {
    if (!failure) continue
    const { what, next } = sentence(failure)
    terminal.say(`${name} was not taken: ${what} ${next}`)
  }
}

function inWords({ source, state }: ModelEntry): string {
  if (state.at === 'ready') return `loaded (${backendName(state.loaded.backend)})`
  if (state.at === 'loading') return `loading, ${Math.round(state.fraction * 100)} %`
  if (state.at === 'failed') return 'could not be loaded'
  return source === 'bundled' ? 'comes with Fusion' : 'not loaded'
}

export async function addModel(given: Given, tools: Tools): Promise<void> {
  const written = oneWord(given, 'PATH')
  const path = resolve(written)
  await withEngine(tools, async engine => {
    const { fusion } = engine
    const entry = await whileWatching(fusion, tools, async () => {
      const { modelId } = await fusion.models.add({ path }, { signal: tools.signal })
      const { entries } = await knownModels(engine, tools)
      return entries.find(({ id }) => id === modelId)
    })
    if (!entry) throw failure('model-file-gone', { model: written })
    if (given.flag('json')) return tools.terminal.print(json(forPrograms(entry)))
    const there = entry.path === path ? '' : ` It was there already, at ${entry.path}.`
    return tools.terminal.print(`Added ${titleOf(entry)} (${entry.id.slice(0, SHOWN_ID)}).${there}`)
  })
}

export async function removeModel(given: Given, tools: Tools): Promise<void> {
  const written = oneWord(given, 'NAME')
  await withEngine(tools, async engine => {
    const entry = findModel(written, (await knownModels(engine, tools)).entries)
    if (entry.source === 'bundled') throw failure('model-bundled', { model: titleOf(entry) })
    const deleteFile = given.flag('delete-file')
    await engine.fusion.models.remove({ modelId: entry.id, deleteFile }, { signal: tools.signal })
    const deleted = deleteFile && entry.source === 'found'
    if (given.flag('json')) return tools.terminal.print(json({ ...forPrograms(entry), deleted }))
    const outside = deleteFile ? ' lies outside of the data folder and' : ''
    return tools.terminal.print(
      deleted ? `Removed ${titleOf(entry)} and deleted its file.` : `Removed ${titleOf(entry)}. Its file${outside} stays at ${entry.path}.`,
    )
  })
}

export async function loadModel(given: Given, tools: Tools): Promise<void> {
  await withRunningModel(given, tools, async (engine, entry) => {
    const { fusion } = engine
    await whileWatching(fusion, tools, () => fusion.models.load({ modelId: entry.id }, { signal: tools.signal }))
    const { entries } = await knownModels(engine, tools)
    const state = entries.find(({ id }) => id === entry.id)?.state
    const loaded = state?.at === 'ready' ? state.loaded : undefined
    if (given.flag('json')) return tools.terminal.print(json({ ...forPrograms(entry), state: state?.at, loaded }))
    const window = loaded ? `: ${backendName(loaded.backend)}, a window of ${loaded.contextTokens.toLocaleString('en')} tokens` : ''
    return tools.terminal.print(`${titleOf(entry)} is loaded${window}.`)
  })
}

export async function unloadModel(given: Given, tools: Tools): Promise<void> {
  await withRunningModel(given, tools, async ({ fusion }, entry) => {
    await fusion.models.unload({ modelId: entry.id }, { signal: tools.signal })
    if (given.flag('json')) return tools.terminal.print(json({ ...forPrograms(entry), state: 'cold' }))
    return tools.terminal.print(`${titleOf(entry)} is unloaded.`)
  })
}

/** An engine of this command's own would end with it, and the model with that engine. */
async function withRunningModel(given: Given, tools: Tools, work: (engine: OpenEngine, entry: ModelEntry) => Promise<void>): Promise<void> {
  const written = oneWord(given, 'NAME')
  await withEngine(tools, async engine => {
    const entry = findModel(written, (await knownModels(engine, tools)).entries)
    if (!engine.isRunning) throw failure('engine-not-running')
    await work(engine, entry)
  })
}

function oneWord({ words }: Given, name: string): string {
  const [word, ...others] = words
  if (word === undefined) throw new WrongUse(`${name} is missing.`)
  if (others.length > 0) throw new WrongUse(`One ${name} is enough; a name with spaces stands in quotes.`)
  return word
}

function noWords({ words: [word] }: Given): void {
  if (word !== undefined) throw new WrongUse(`Nothing is expected here: ${JSON.stringify(word)}.`)
}
