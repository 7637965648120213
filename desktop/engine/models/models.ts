import { join } from 'node:path'
import type { ModelsState } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Backend, ModelEntry } from '@fusion/shared/contract/model.ts'
import type { Settings } from '@fusion/shared/contract/settings.ts'
import type { Log } from '../log.ts'
import { createArrivals } from './arrivals.ts'
import { createBackends } from './backends.ts'
import { browse, type Browsed } from './browse.ts'
import { createChecker } from './checker.ts'
import { createCopies } from './copies.ts'
import { createKeptStates } from './kept-states.ts'
import { createLibrary } from './library.ts'
import { createLookout } from './lookout.ts'
import { type InferenceProgram, inferenceProgram } from './program.ts'
import type { Registries } from './registry.ts'
import { type AcquireOptions, createRunningModels, type RunningModel, type RunningModels } from './running.ts'
import { createSetAside } from './set-aside.ts'

/** A model that stands ready: talk to its process by `client`, and `release` it when done. Call `release` once for each `acquire`. */
export type Loaded = RunningModel

/** The models of this computer: files, processes, and the KV states of chats. */
export interface Models {
  state(): ModelsState
  /** Calls the listener after each change of the state. Whoever watches may have put a file there: it is looked for. */
  watch(listener: () => void): () => void
  /** Finds models in the data folder and the bundled ones; files that are put there later are found by themselves. */
  scan(): Promise<void>
  add(path: string): Promise<string>
  beginCopy(input: { name: string; bytes: number }): Promise<string>
  copyChunk(input: { copyId: string; at: number; data: string }): Promise<void>
  finishCopy(copyId: string): Promise<string>
  cancelCopy(copyId: string): Promise<void>
  remove(modelId: string, deleteFile: boolean): Promise<void>
  dismissArrival(id: string): void
  browse(path: string | null): Promise<Browsed>
  /** Loads a model, or joins the load under way, or gives the one that is there. Throws what loading fails with, `cancelled` by the signal. */
  acquire(modelId: string, options: AcquireOptions): Promise<Loaded>
  /** The model, if it stands ready. */
  ready(modelId: string): Loaded | undefined
  /** Figures of the model's process, where one runs. Looking at them is no use of it: it is unloaded all the same when nobody uses it. */
  stats: RunningModels['stats']
  unload(modelId: string): Promise<void>
  /** Models that nobody uses, loaded by other settings than those of now. One that becomes so is a change. */
  outdated(): string[]
  /** Loads a model anew. Throws `model-busy` where it is in use, and what loading fails with. */
  reload(modelId: string): Promise<void>
  /** Loads the chat's KV state from disk, if there is a usable one. Never fails; the model's process may be a new one afterwards. */
  openState(conversationId: string, modelId: string): Promise<void>
  saveState(conversationId: string, modelId: string): Promise<void>
  deleteStates(conversationId: string): Promise<void>
  /** Of all chats. */
  deleteAllStates(): Promise<void>
  /** Ends all processes. */
  close(): Promise<void>
}

export interface ModelsOptions {
  /** The data folder. */
  folder: string
  /** Where the bundled guide lies. */
  bundledFolder: string
  storage: Registries
  settings: () => Settings
  log: Log
  /** How inference processes are started; tests that break them bring their own. */
  program?: InferenceProgram
  /** Backends there are to try; found out by default. */
  backends?: readonly Backend[]
}

export function createModels({
  folder,
  bundledFolder,
  storage,
  settings,
  log,
  program = inferenceProgram(),
  backends,
}: ModelsOptions): Models {
  const listeners = new Set<() => void>()
  const closing = new AbortController()
  const onChange = () => {
    for (const listener of listeners) listener()
  }
  const modelsFolder = join(folder, 'models')
  const arrivals = createArrivals(onChange)
  const library = createLibrary({
    folder: modelsFolder,
    bundledFolder,
    registry: storage.models,
    setAside: createSetAside(join(folder, 'models-set-aside.json')),
    checker: createChecker({ program, log }),
    arrivals,
    log,
    signal: closing.signal,
    onChange,
    // Its memory, and on most systems its place on the disk, are held as long as its process lives.
    onForgotten: modelId => void running.unload(modelId).catch(() => {}),
  })
  const lookout = createLookout({ folder: modelsFolder, look: library.look, log })
  const copies = createCopies(modelsFolder)
  const running = createRunningModels({
    program,
    backends: createBackends({ file: join(folder, 'backends.json'), installed: backends }),
    settings,
    log,
    onChange,
    onReady: model => states.follow(model),
  })
  const states = createKeptStates({ folder: join(folder, 'states'), registry: storage.states, ready: running.ready, log })
  const order = new Intl.Collator(undefined, { numeric: true })

  function entries(): ModelEntry[] {
    return library
      .all()
      .map(({ id, file, path, source }) => ({ id, file, path, source, state: running.state(id) }))
      .toSorted((a, b) => Number(a.source === 'bundled') - Number(b.source === 'bundled') || order.compare(a.file.name, b.file.name))
  }

  /** The copy ended by itself: its arrival stays, with the reason. */
  async function reporting<T>(copyId: string, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      arrivals.refuse(copyId, error)
      throw error
    }
  }

  async function acquire(modelId: string, options: AcquireOptions): Promise<Loaded> {
    const model = library.get(modelId)
    if (!running.ready(modelId)) library.verify(model)
    return running.acquire(model, options)
  }

  return {
    state: () => ({ entries: entries(), arrivals: arrivals.all() }),
    watch(listener) {
      listeners.add(listener)
      lookout.soon()
      return () => listeners.delete(listener)
    },
    scan: lookout.begin,
    add: library.add,
    async beginCopy(input) {
      const { copyId, name } = await copies.begin(input)
      arrivals.begin({ id: copyId, name, at: 'copying' })
      return copyId
    },
    async copyChunk(input) {
      arrivals.progress(input.copyId, 'copying', await reporting(input.copyId, copies.chunk(input)))
    },
    async finishCopy(copyId) {
      const { path, name } = await reporting(copyId, copies.finish(copyId))
      return library.take({ path, name, arrivalId: copyId })
    },
    async cancelCopy(copyId) {
      await copies.cancel(copyId)
      arrivals.end(copyId)
    },
    async remove(modelId, deleteFile) {
      await running.unload(modelId)
      library.remove(modelId, deleteFile)
      states.deleteOfModel(modelId)
    },
    dismissArrival(id) {
      const arrival = arrivals.all().find(candidate => candidate.id === id)
      if (arrival?.at === 'refused') arrivals.end(id)
    },
    browse,
    acquire,
    ready: running.ready,
    stats: running.stats,
    unload: running.unload,
    outdated: running.outdated,
    async reload(modelId) {
      await running.unload(modelId)
      const loaded = await acquire(modelId, { signal: closing.signal, onProgress: () => {} })
      loaded.release()
    },
    openState: states.open,
    saveState: states.save,
    deleteStates: states.deleteOf,
    deleteAllStates: states.deleteAll,
    async close() {
      lookout.close()
      closing.abort(failure('cancelled'))
      await copies.close()
      await running.close()
    },
  }
}
