import type { InferenceContract } from '@fusion/shared/contract/inference.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { LoadedModel, ModelState } from '@fusion/shared/contract/model.ts'
import type { Settings } from '@fusion/shared/contract/settings.ts'
import type { Client } from '@fusion/shared/rpc/contract.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { Log } from '../log.ts'
import type { Backends } from './backends.ts'
import { type InferenceProcess, startInference } from './inference-process.ts'
import type { InferenceProgram } from './program.ts'
import type { KnownModel } from './registry.ts'

/** A model in a process of its own. The same object for everybody, as long as the process lives. */
export interface RunningModel {
  modelId: string
  loaded: LoadedModel
  client: Client<InferenceContract>
  gone: Promise<Failure>
  /** To be called once for each `acquire`. */
  release(): void
}

export interface AcquireOptions {
  signal?: AbortSignal | undefined
  onProgress: (fraction: number) => void
}

export interface RunningModels {
  acquire(model: KnownModel, options: AcquireOptions): Promise<RunningModel>
  ready(modelId: string): RunningModel | undefined
  /** Figures of the model's process, where one runs. Looking at them is no use of it: it is unloaded all the same when nobody uses it. */
  stats(modelId: string): ReturnType<RunningModel['client']['process']['stats']> | undefined
  state(modelId: string): ModelState
  /** Models that nobody uses, loaded by other settings than those of now. One that becomes so is a change. */
  outdated(): string[]
  /** Ends the model's process and waits until it is gone. Throws `model-busy` while it is answering. */
  unload(modelId: string): Promise<void>
  close(): Promise<void>
}

/** What of the settings a load depends on. */
type LoadSettings = Pick<Settings, 'threads' | 'contextTokens'>

interface Running {
  loadedBy: LoadSettings
  process: InferenceProcess
  model: RunningModel
  users: number
  usedAt: number
  /** Why its process ended, once it has. */
  died: Failure | undefined
}

interface Loading {
  promise: Promise<Running>
  /** Ends the load when nobody waits for it any more. */
  controller: AbortController
  waiting: Set<(fraction: number) => void>
  fraction: number
}

/** How often is looked for models that nobody used for long. */
const IDLE_CHECK_MS = 15_000

export function createRunningModels({
  program,
  backends,
  settings,
  log,
  onChange,
  onReady,
}: {
  program: InferenceProgram
  backends: Backends
  settings: () => Settings
  log: Log
  onChange: () => void
  /** A model was loaded into a new process. */
  onReady: (model: RunningModel) => void
}): RunningModels {
  const running = new Map<string, Running>()
  const loading = new Map<string, Loading>()
  const failed = new Map<string, Failure>()
  const ending = new Set<Promise<void>>()
  let closed = false
  const idleCheck = setInterval(unloadIdle, IDLE_CHECK_MS)
  idleCheck.unref()

  function unloadIdle(): void {
    const minutes = settings().unloadAfterMinutes
    if (minutes === null) return
    const before = performance.now() - minutes * 60_000
    for (const [modelId, { users, usedAt }] of running) {
      if (users > 0 || usedAt > before) continue
      log.info({ modelId }, 'idle model unloaded')
      void end(modelId)
    }
  }

  async function end(modelId: string): Promise<void> {
    const found = running.get(modelId)
    if (!found) return
    running.delete(modelId)
    const ended = found.process.end()
    ending.add(ended)
    onChange()
    await ended
    ending.delete(ended)
  }

  /** Ends the model that idles longest. False: all are in use. */
  async function makeRoom(): Promise<boolean> {
    const [idle] = [...running].filter(([, { users }]) => users === 0).toSorted(([, a], [, b]) => a.usedAt - b.usedAt)
    if (!idle) return false
    log.info({ modelId: idle[0] }, 'idle model unloaded to make room')
    await end(idle[0])
    return true
  }

  async function load(model: KnownModel, entry: Loading): Promise<Running> {
    // Loaded beside another one that idles, it would get a small window, or push the other out to disk.
    while (model.bytes * 2 > process.availableMemory() && (await makeRoom()));
    const untried = backends.toTry()
    const faulty: (typeof untried)[number][] = []
    for (;;) {
      const backend = untried.shift() ?? 'cpu'
      backends.trying(backend)
      try {
        const started = await loadWith(model, backend, entry)
        backends.tried(backend)
        for (const other of faulty) backends.failed(other)
        return started
      } catch (error) {
        backends.tried(backend)
        entry.controller.signal.throwIfAborted()
        const reason = error instanceof Failure ? error.code : 'internal'
        log.warn({ modelId: model.id, backend, reason }, 'model not loaded')
        if (reason === 'model-too-large' && (await makeRoom())) untried.unshift(backend)
        else if (aboutTheFile.has(reason) || untried.length === 0) throw error
        // Want of memory passes; a driver that fails or crashes will do it again.
        else if (reason !== 'out-of-memory') faulty.push(backend)
      }
    }
  }

  async function loadWith(model: KnownModel, backend: LoadedModel['backend'], entry: Loading): Promise<Running> {
    const started = performance.now()
    const child = startInference(program, log)
    try {
      const { signal } = entry.controller
      const { threads, contextTokens } = settings()
      const loadedBy: LoadSettings = { threads, contextTokens }
      const request = { path: model.path, modelId: model.id, backend, ...loadedBy, memoryBytes: null }
      for await (const event of child.client.model.load(request, { signal })) {
        if (event.type === 'load-progress') progress(entry, event.fraction)
        else {
          log.info({ modelId: model.id, ...event.loaded, ms: Math.round(performance.now() - started) }, 'model loaded')
          return run(model, child, event.loaded, loadedBy)
        }
      }
      throw failure('model-load-failed', { model: model.file.name })
    } catch (error) {
      await child.end()
      // The sign is a lost connection; the reason is how the process ended.
      if (error instanceof Failure && error.code === 'disconnected') {
        const gone = await child.gone
        throw gone.code === 'out-of-memory' ? gone : failure('model-load-failed', { model: model.file.name }, { cause: gone })
      }
      throw error
    }
  }

  function run(model: KnownModel, child: InferenceProcess, loaded: LoadedModel, loadedBy: LoadSettings): Running {
    const found: Running = {
      loadedBy,
      process: child,
      users: 0,
      usedAt: performance.now(),
      died: undefined,
      model: {
        modelId: model.id,
        loaded,
        client: child.client,
        gone: child.gone.then(reason => {
          found.died = reason
          // Before anybody who waits for it goes on: they ask for the model again, and must not get this one.
          if (running.get(model.id) === found) {
            running.delete(model.id)
            failed.set(model.id, reason)
            onChange()
          }
          return reason
        }),
        release() {
          found.users = Math.max(0, found.users - 1)
          found.usedAt = performance.now()
          if (found.users === 0 && isOutdated(found)) onChange()
        },
      },
    }
    return found
  }

  function isOutdated({ loadedBy, died }: Running): boolean {
    if (closed || died) return false
    const { threads, contextTokens } = settings()
    return loadedBy.threads !== threads || loadedBy.contextTokens !== contextTokens
  }

  function progress(entry: Loading, fraction: number): void {
    // Whole percents: more is not seen.
    if (Math.floor(fraction * 100) <= Math.floor(entry.fraction * 100)) return
    entry.fraction = fraction
    for (const tell of entry.waiting) tell(fraction)
    onChange()
  }

  function begin(model: KnownModel): Loading {
    failed.delete(model.id)
    const controller = new AbortController()
    const { promise, resolve, reject } = Promise.withResolvers<Running>()
    const entry: Loading = { controller, waiting: new Set(), fraction: 0, promise }
    loading.set(model.id, entry)
    void finish()
    async function finish(): Promise<void> {
      try {
        let started = await load(model, entry)
        // Changed while it was loading: whoever waits for it gets what the settings show.
        while (isOutdated(started)) {
          await started.process.end()
          entry.fraction = 0
          started = await load(model, entry)
        }
        if (closed || started.died) {
          await started.process.end()
          throw started.died ?? failure('cancelled')
        }
        running.set(model.id, started)
        onReady(started.model)
        resolve(started)
      } catch (error) {
        if (!controller.signal.aborted) {
          failed.set(
            model.id,
            error instanceof Failure ? error : failure('model-load-failed', { model: model.file.name }, { cause: error }),
          )
        }
        reject(error instanceof Error ? error : new Error(String(error)))
      } finally {
        loading.delete(model.id)
        onChange()
      }
    }
    promise.catch(() => {})
    onChange()
    return entry
  }

  return {
    async acquire(model, { signal, onProgress }) {
      signal?.throwIfAborted()
      if (closed) throw failure('cancelled')
      let found = running.get(model.id)
      if (!found) {
        // A load that nobody waited for any more is ending; another one begins after it.
        while (loading.get(model.id)?.controller.signal.aborted) await loading.get(model.id)?.promise.catch(() => {})
        const entry = loading.get(model.id) ?? begin(model)
        const tell = (fraction: number) => onProgress(fraction)
        entry.waiting.add(tell)
        const aborted = Promise.withResolvers<never>()
        aborted.promise.catch(() => {})
        const leave = () => aborted.reject(failure('cancelled'))
        signal?.addEventListener('abort', leave, { once: true })
        try {
          found = await Promise.race([entry.promise, aborted.promise])
        } finally {
          signal?.removeEventListener('abort', leave)
          entry.waiting.delete(tell)
          if (entry.waiting.size === 0 && loading.get(model.id) === entry) entry.controller.abort(failure('cancelled'))
        }
      }
      found.users++
      found.usedAt = performance.now()
      return found.model
    },
    ready(modelId) {
      const found = running.get(modelId)
      if (found) found.usedAt = performance.now()
      return found?.model
    },
    stats: modelId => running.get(modelId)?.model.client.process.stats({}),
    state(modelId) {
      const found = running.get(modelId)
      if (found) return { at: 'ready', loaded: found.model.loaded }
      const entry = loading.get(modelId)
      if (entry) return { at: 'loading', fraction: entry.fraction }
      const reason = failed.get(modelId)
      return reason ? { at: 'failed', failure: Failure.toBody(reason) } : { at: 'cold' }
    },
    outdated: () => [...running].flatMap(([modelId, found]) => (found.users === 0 && isOutdated(found) ? [modelId] : [])),
    async unload(modelId) {
      const entry = loading.get(modelId)
      entry?.controller.abort(failure('cancelled'))
      await entry?.promise.catch(() => {})
      if ((running.get(modelId)?.users ?? 0) > 0) throw failure('model-busy')
      failed.delete(modelId)
      await end(modelId)
      onChange()
    },
    async close() {
      closed = true
      clearInterval(idleCheck)
      for (const { controller } of loading.values()) controller.abort(failure('cancelled'))
      await Promise.all([...loading.values()].map(({ promise }) => promise.catch(() => {})))
      await Promise.all([...[...running.keys()].map(end), ...ending])
    },
  }
}

/** Failures that another backend would meet too. */
const aboutTheFile = new Set([
  'model-corrupt',
  'model-not-gguf',
  'model-unsupported',
  'model-file-gone',
  'file-unreadable',
  'model-too-large',
])
