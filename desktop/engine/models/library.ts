import { existsSync, mkdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, isAbsolute, join, relative, sep } from 'node:path'
import { newId } from '@fusion/shared/contract/ids.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { ModelEntry } from '@fusion/shared/contract/model.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { Log } from '../log.ts'
import type { Arrivals } from './arrivals.ts'
import type { Checker } from './checker.ts'
import { fileFailure } from './file-failure.ts'
import { filesOf, findModels, isSame, type Measured, measure } from './model-files.ts'
import type { KnownModel, Registries } from './registry.ts'
import type { SetAside } from './set-aside.ts'
import { createSettling } from './settling.ts'

/** The model files that Fusion knows. */
export interface Library {
  all(): KnownModel[]
  /** Throws `model-file-gone` when there is none of this id. */
  get(modelId: string): KnownModel
  /**
   * Looks for models in the data folder and among the bundled ones, and forgets those that are gone. A file that did not change is not read
   * again. True: some are still being written, and are to be looked at later.
   */
  look(): Promise<boolean>
  /** Checks a file where it lies, and gives the model's id. */
  add(path: string): Promise<string>
  /** Checks a copy that is whole, and moves it to its place. */
  take(copy: { path: string; name: string; arrivalId: string }): Promise<string>
  /** Forgets a model; with `deleteFile` also deletes its files, if they lie in the data folder. What stays there is not found again, until it is added. */
  remove(modelId: string, deleteFile: boolean): void
  /** Throws `model-file-gone` when the file is not the one that was checked. */
  verify(model: KnownModel): void
}

export function createLibrary({
  folder,
  bundledFolder,
  registry,
  setAside,
  checker,
  arrivals,
  log,
  signal,
  onChange,
  onForgotten,
}: {
  /** `models` in the data folder. */
  folder: string
  bundledFolder: string
  registry: Registries['models']
  setAside: SetAside
  checker: Checker
  arrivals: Arrivals
  log: Log
  signal: AbortSignal
  onChange: () => void
  /** A model is no longer there. */
  onForgotten: (modelId: string) => void
}): Library {
  const known = new Map(registry.all().map(model => [model.id, model]))
  /** Names of those that were there, for the words about them. */
  const names = new Map<string, string>()
  /** Files that are no models of their own, as they were when they were read: refused ones, and second copies. */
  const looked = new Map<string, Look>()
  const settling = createSettling()

  function put(model: KnownModel): void {
    known.set(model.id, model)
    registry.put(model)
    onChange()
  }

  function forget(modelId: string): void {
    const model = known.get(modelId)
    if (!model) return
    known.delete(modelId)
    names.set(modelId, model.file.name)
    registry.remove(modelId)
    // A second copy of it can now take its place.
    for (const [path, { hash }] of looked) if (hash === modelId) looked.delete(path)
    onForgotten(modelId)
    onChange()
  }

  function unlook(path: string): void {
    const arrivalId = looked.get(path)?.arrivalId
    looked.delete(path)
    if (arrivalId) arrivals.end(arrivalId)
  }

  function isInside(path: string): boolean {
    if (!existsSync(folder)) return false
    const way = relative(realpathSync(folder), realpathSync(path))
    return way !== '' && !way.startsWith(`..${sep}`) && way !== '..' && !isAbsolute(way)
  }

  const unchanged = (model: KnownModel) => isSame(measure(model.path), model)

  /** Checks a file and remembers it; the arrival shows how far it is, and stays with the reason when it is refused. */
  async function check(path: string, source: ModelEntry['source'], arrival: { id: string; name: string }): Promise<string> {
    const before = measure(path)
    unlook(path)
    arrivals.begin({ ...arrival, at: 'checking' })
    try {
      if (!before) throw failure('model-file-gone', { model: basename(path) })
      const { file, hash } = await checker.check(path, fraction => arrivals.progress(arrival.id, 'checking', fraction), signal)
      const other = known.get(hash)
      // The same file twice: the place that is known stays, unless it is gone.
      if (!other || other.path === path || !unchanged(other)) put({ id: hash, path, file, source, ...before })
      else looked.set(path, { measured: before, hash })
      arrivals.end(arrival.id)
      log.info({ modelId: hash, source, bytes: before.bytes }, 'model checked')
      return hash
    } catch (error) {
      if (!signal.aborted) {
        looked.set(path, { measured: before, arrivalId: arrival.id })
        arrivals.refuse(arrival.id, error)
      }
      throw error
    }
  }

  async function lookIn(place: string, source: 'bundled' | 'found'): Promise<boolean> {
    const depth = source === 'bundled' ? 1 : undefined
    let growing = false
    for (const path of findModels(place, depth)) {
      if (signal.aborted) return false
      const now = measure(path)
      const before = [...known.values()].find(model => model.path === path)
      if (before && isSame(now, before)) continue
      if (before) forget(before.id)
      const look = looked.get(path)
      if ((look && isSame(now, look.measured)) || setAside.has(path, now)) continue
      unlook(path)
      if (now && !settling.isSettled(path, now)) {
        growing = true
        continue
      }
      try {
        await check(path, source, { id: newId(), name: basename(path) })
      } catch (error) {
        log.warn({ file: basename(path), reason: error instanceof Failure ? error.code : 'internal' }, 'model refused')
      }
    }
    return growing
  }

  return {
    all: () => [...known.values()],
    get(modelId) {
      const model = known.get(modelId)
      const name = names.get(modelId)
      if (!model) throw failure('model-file-gone', name === undefined ? undefined : { model: name })
      return model
    },
    async look() {
      for (const model of known.values()) {
        // One that was added from elsewhere stays in the list: its disk may only be unplugged.
        if (model.source !== 'added' && !existsSync(model.path)) forget(model.id)
      }
      for (const path of looked.keys()) if (path.startsWith(folder + sep) && !existsSync(path)) unlook(path)
      await lookIn(bundledFolder, 'bundled')
      return lookIn(folder, 'found')
    },
    async add(path) {
      if (!isAbsolute(path) || !statSync(path, { throwIfNoEntry: false })?.isFile()) {
        throw failure('file-unreadable', { file: path })
      }
      setAside.remove(path)
      return check(path, isInside(path) ? 'found' : 'added', { id: newId(), name: basename(path) })
    },
    async take({ path, name, arrivalId }) {
      try {
        const place = freePlace(folder, name)
        arrivals.progress(arrivalId, 'checking', 0)
        // Checked under its hidden name: what is refused never stands among the models.
        const before = measure(path)
        const { file, hash } = await checker.check(path, fraction => arrivals.progress(arrivalId, 'checking', fraction), signal)
        const other = known.get(hash)
        if (other && unchanged(other)) rmSync(path, { force: true })
        else {
          try {
            mkdirSync(folder, { recursive: true })
            renameSync(path, place)
          } catch (error) {
            throw fileFailure(error, { file: name, folder })
          }
          const after = measure(place) ?? before
          if (!after) throw failure('model-file-gone', { model: name })
          const shown = file.name === basename(path).replace(/\.gguf$/i, '') ? name.replace(/\.gguf$/i, '') : file.name
          put({ id: hash, path: place, file: { ...file, name: shown }, source: 'found', ...after })
        }
        arrivals.end(arrivalId)
        return hash
      } catch (error) {
        rmSync(path, { force: true })
        const named = error instanceof Failure && error.detail?.['file'] === basename(path) ? renamed(error, name) : error
        arrivals.refuse(arrivalId, named)
        throw named
      }
    },
    remove(modelId, deleteFile) {
      const model = known.get(modelId)
      if (!model || model.source === 'bundled') throw failure('not-found')
      try {
        if (deleteFile && existsSync(model.path) && isInside(model.path))
          for (const file of filesOf(model.path)) rmSync(file, { force: true })
      } catch (error) {
        throw fileFailure(error, { file: basename(model.path), folder })
      }
      const copies = [...looked].flatMap(([path, { hash }]) => (hash === modelId ? [path] : []))
      for (const path of [model.path, ...copies]) {
        const left = measure(path)
        if (left && model.source === 'found') setAside.add(path, left)
      }
      forget(modelId)
    },
    verify(model) {
      if (!unchanged(model)) throw failure('model-file-gone', { model: model.file.name })
    },
  }
}

interface Look {
  measured: Measured | undefined
  /** The model it is a copy of. */
  hash?: string
  /** Where it is shown as refused. */
  arrivalId?: string
}

/** The failure in the name that the person knows. */
function renamed(error: Failure, file: string): Failure {
  return failure(error.code as Parameters<typeof failure>[0], { ...error.detail, file }, { cause: error })
}

/** `name.gguf`, or `name-2.gguf` where that is taken. */
function freePlace(folder: string, name: string): string {
  const stem = name.replace(/\.gguf$/i, '')
  for (let number = 1; ; number++) {
    const place = join(folder, number === 1 ? `${stem}.gguf` : `${stem}-${number}.gguf`)
    if (!existsSync(place)) return place
  }
}
