import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { ModelEntry } from '@fusion/shared/contract/model.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { filesOf, measure } from '../../engine/models/model-files.ts'
import { withEngine } from '../engine/open-engine.ts'
import { backendName, size } from '../in-words.ts'
import { knownModels, titleOf } from '../models/known-models.ts'
import { type Finding, type Look, problemOf } from './finding.ts'

/** The models, and whether each file still is what it was when it was taken: its id is the hash of its bytes. */
export async function lookAtModels(look: Look, before: readonly Finding[]): Promise<Finding> {
  const { config, tools } = look
  const finding: Finding = { name: 'models', title: 'Models', facts: [], problems: [] }
  const { facts, problems } = finding
  // An engine would make the folder, or mend the database: not while somebody only looks.
  if (!existsSync(config.home) || before.some(({ name, problems }) => name === 'dataFolder' && problems.length > 0)) {
    facts.push(['State', 'not looked at, as there is no data folder to use'])
    return finding
  }
  try {
    const { entries, arrivals } = await withEngine(tools, engine => knownModels(engine, tools), config)
    for (const entry of entries) facts.push([titleOf(entry), await soundness(entry, look, problems)])
    for (const { name, failure } of arrivals) {
      if (!failure) continue
      facts.push([name, 'not taken'])
      problems.push(problemOf(Failure.from(failure)))
    }
    if (entries.length === 0) problems.push(problemOf(failure('model-missing')))
  } catch (error) {
    tools.signal.throwIfAborted()
    if (!(error instanceof Failure)) throw error
    if (error.code === 'engine-in-window') facts.push(['State', "in use by Fusion's window, which shows them"])
    else problems.push(problemOf(error))
  }
  return finding
}

async function soundness(entry: ModelEntry, { quick, tools }: Look, problems: Finding['problems']): Promise<string> {
  const { file, path, state } = entry
  const title = titleOf(entry)
  const at = state.at === 'ready' ? `, loaded (${backendName(state.loaded.backend)})` : ''
  if (state.at === 'failed') problems.push(problemOf(Failure.from(state.failure)))
  const bytes = measure(path)?.bytes
  if (bytes === undefined) {
    problems.push(problemOf(failure('model-file-gone', { model: title })))
    return `gone from ${path}`
  }
  if (bytes !== file.bytes || (!quick && (await hashOf(path, title, bytes, tools)) !== entry.id)) {
    problems.push(problemOf(failure('model-corrupt', { file: path })))
    return `${size(bytes)}, not what it was`
  }
  return `${size(bytes)}, ${quick ? 'there' : 'sound'}${at}`
}

/** As the engine takes it: of a split model, all its parts one after the other. */
async function hashOf(path: string, title: string, bytes: number, { terminal, signal }: Look['tools']): Promise<string> {
  const hash = createHash('sha256')
  let read = 0
  try {
    for (const part of filesOf(path)) {
      for await (const chunk of createReadStream(part, { highWaterMark: 4 << 20, signal }) as AsyncIterable<Buffer>) {
        hash.update(chunk)
        read += chunk.length
        terminal.progress(`Reading ${title} … ${Math.round((read / bytes) * 100)} %`)
      }
    }
  } catch (error) {
    signal.throwIfAborted()
    return error instanceof Error ? error.name : ''
  } finally {
    terminal.progress(undefined)
  }
  return hash.digest('hex')
}
