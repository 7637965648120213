import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { ModelEntry } from '@fusion/shared/contract/model.ts'
import { expect, onTestFinished, test, vi } from 'vitest'
import { addEndlessModel, setNumber } from '../../../models/guide/testing/endless-model.ts'
import { acquire, ask, guide, guideF16, guideId, programOf, testFolder, testModels, until } from './testing/models.ts'

const QUESTION = 'How do I delete a chat?'

const isAlive = (pid: number) => existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
/** Inference processes that this process started. */
function children(): number[] {
  const pids = readdirSync(`/proc/${process.pid}/task`).flatMap(task =>
    readFileSync(`/proc/${process.pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
  return pids.filter(pid => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('inference'))
}

test('the bundled model and those in the data folder are found, and at the next start not read again', async () => {
  const folder = testFolder()
  mkdirSync(join(folder, 'models/maker'), { recursive: true })
  copyFileSync(guideF16, join(folder, 'models/maker/second.gguf'))
  const first = testModels({ folder })
  await first.models.scan()
  expect(first.models.state().entries.map(({ source, state, file }) => [source, state.at, file.quantization])).toEqual([
    ['found', 'cold', 'F16'],
    ['bundled', 'cold', 'Q4_K_M'],
  ])
  expect(first.models.state().entries[1]!.id).toBe(guideId)
  await first.close()

  const second = testModels({ folder })
  await second.models.scan()
  expect(second.models.state().entries).toHaveLength(2)
  expect(second.events()).not.toContain('model checked')
  await second.close()

  rmSync(join(folder, 'models/maker/second.gguf'))
  const third = testModels({ folder })
  await third.models.scan()
  expect(third.models.state().entries.map(({ source }) => source)).toEqual(['bundled'])
})

test('a file that changed is read again', async () => {
  const folder = testFolder()
  mkdirSync(join(folder, 'models'))
  const path = join(folder, 'models/mine.gguf')
  copyFileSync(guideF16, path)
  const { models, events } = testModels({ folder })
  await models.scan()
  utimesSync(path, new Date(), new Date(Date.now() - 60_000))
  const checks = events().filter(event => event === 'model checked').length
  await models.scan()
  expect(events().filter(event => event === 'model checked').length).toBe(checks + 1)
})

test('a file put into the data folder while Fusion runs becomes a model, and one that is taken out leaves', async () => {
  const { folder, models } = testModels()
  await models.scan()
  mkdirSync(join(folder, 'models/maker'))
  const path = join(folder, 'models/maker/second.gguf')
  copyFileSync(guideF16, path)
  await until(models, () => models.state().entries.length === 2)
  const [{ id }] = models.state().entries as [ModelEntry]
  const loaded = await acquire(models, id)
  loaded.release()
  rmSync(path)
  await until(models, () => models.state().entries.length === 1)
  await loaded.gone
  await expect(acquire(models, id)).rejects.toMatchObject({ code: 'model-file-gone', detail: { model: 'Fusion Guide' } })
})

test('a file that is still being written is not refused, and read when it is whole', async () => {
  const { folder, models, events } = testModels()
  await models.scan()
  const path = join(folder, 'models/slow.gguf')
  const bytes = readFileSync(guideF16)
  writeFileSync(path, '')
  const pieces = 20
  for (let piece = 0; piece < pieces; piece++) {
    appendFileSync(path, bytes.subarray((piece * bytes.length) / pieces, ((piece + 1) * bytes.length) / pieces))
    // Slower than one look takes, quicker than a file settles.
    await pause(150)
  }
  await until(models, () => models.state().entries.length === 2)
  expect(events()).not.toContain('model refused')
})

test('a refused file is read again when it changes, and only then; its refusal leaves with it', async () => {
  const { folder, models, events } = testModels()
  await models.scan()
  const [path, other] = [join(folder, 'models/cut.gguf'), join(folder, 'models/other.gguf')]
  writeFileSync(path, readFileSync(guideF16).subarray(0, 1_000_000))
  writeFileSync(other, 'no model')
  await until(models, () => models.state().arrivals.filter(({ at }) => at === 'refused').length === 2)
  copyFileSync(guideF16, path)
  await until(models, () => models.state().entries.length === 2)
  expect(models.state().arrivals.map(({ name }) => name)).toEqual(['other.gguf'])
  expect(events().filter(event => event === 'model refused')).toHaveLength(2)
  rmSync(other)
  await until(models, () => models.state().arrivals.length === 0)
})

test('of two copies of one file the second takes the place of the first when that is gone', async () => {
  const folder = testFolder()
  mkdirSync(join(folder, 'models'))
  for (const name of ['a.gguf', 'b.gguf']) copyFileSync(guideF16, join(folder, 'models', name))
  const { models } = testModels({ folder })
  await models.scan()
  expect(models.state().entries.map(({ path }) => basename(path))).toEqual(['a.gguf', basename(guide)])
  rmSync(join(folder, 'models/a.gguf'))
  await until(models, () => models.state().entries.some(({ path }) => basename(path) === 'b.gguf'))
})

test('a removed model whose file was kept does not come back by itself, and comes back when it is added or changes', async () => {
  const folder = testFolder()
  mkdirSync(join(folder, 'models'))
  const [path, copy] = [join(folder, 'models/mine.gguf'), join(folder, 'models/second-copy.gguf')]
  const old = new Date(Date.now() - 60_000)
  for (const file of [path, copy]) {
    copyFileSync(guideF16, file)
    utimesSync(file, old, old)
  }
  const first = testModels({ folder })
  await first.models.scan()
  const [{ id }] = first.models.state().entries as [ModelEntry]
  await first.models.remove(id, false)
  await first.close()

  const second = testModels({ folder })
  await second.models.scan()
  expect(second.models.state().entries.map(({ source }) => source)).toEqual(['bundled'])
  expect(second.events()).not.toContain('model checked')
  expect(await second.models.add(path)).toBe(id)
  await second.close()

  const third = testModels({ folder })
  await third.models.scan()
  expect(third.models.state().entries.map(({ source }) => source)).toEqual(['found', 'bundled'])
  await third.models.remove(id, false)
  utimesSync(copy, old, new Date(Date.now() - 30_000))
  await third.models.scan()
  expect(third.models.state().entries.map(({ path }) => basename(path))).toEqual(['second-copy.gguf', basename(guide)])
})

test('a model picked from elsewhere is checked, used where it lies, and forgotten without touching it', async () => {
  const { models } = testModels()
  const modelId = await models.add(guideF16)
  expect(models.state().entries).toMatchObject([{ id: modelId, source: 'added', path: guideF16 }])
  const loaded = await acquire(models, modelId)
  expect(await ask(loaded, QUESTION)).toMatch(/Delete/)
  loaded.release()
  await models.remove(modelId, true)
  expect(existsSync(guideF16)).toBe(true)
  expect(models.state().entries).toEqual([])
})

test('what is no model is refused in words, stays in view until it is dismissed, and harms nothing', async () => {
  const folder = testFolder()
  const { models } = testModels({ folder })
  const files: [string, Buffer, string][] = [
    ['noise.gguf', Buffer.from('not a model at all'), 'model-not-gguf'],
    ['cut.gguf', readFileSync(guide).subarray(0, 1_000_000), 'model-corrupt'],
  ]
  for (const [name, bytes, code] of files) {
    writeFileSync(join(folder, name), bytes)
    await expect(models.add(join(folder, name))).rejects.toMatchObject({ code })
  }
  expect(models.state().arrivals.map(({ name, at, failure }) => [name, at, failure?.code])).toEqual(
    files.map(([name, , code]) => [name, 'refused', code]),
  )
  for (const { id } of models.state().arrivals) models.dismissArrival(id)
  expect(models.state().arrivals).toEqual([])
  await expect(models.add(join(folder, 'nowhere.gguf'))).rejects.toMatchObject({ code: 'file-unreadable' })
  await expect(models.add('relative.gguf')).rejects.toMatchObject({ code: 'file-unreadable' })
})

test('a model whose header is right and whose weights are not fails to load, in words', async () => {
  const folder = testFolder()
  const path = join(folder, 'wrong.gguf')
  const bytes = readFileSync(guide)
  // A tensor by another name: the file is whole, the model is not.
  bytes.write('blk.0.ffn_dawn', bytes.lastIndexOf('blk.0.ffn_down'))
  writeFileSync(path, bytes)
  const { models } = testModels({ folder })
  const modelId = await models.add(path)
  await expect(acquire(models, modelId)).rejects.toMatchObject({ code: 'model-load-failed' })
  expect(models.state().entries[0]!.state).toMatchObject({ at: 'failed', failure: { code: 'model-load-failed' } })
})

test('a model that needs more memory than there is is not loaded, and the words name both', async () => {
  const folder = testFolder()
  const path = join(folder, 'huge.gguf')
  const bytes = readFileSync(guideF16)
  // Keys and values of 100,000 heads in each of 10,000 layers: 131 TB for the smallest window.
  setNumber(bytes, 'llama.block_count', 10_000)
  setNumber(bytes, 'llama.attention.head_count_kv', 100_000)
  writeFileSync(path, bytes)
  const { models } = testModels({ folder })
  const modelId = await models.add(path)
  await expect(acquire(models, modelId)).rejects.toMatchObject({
    code: 'model-too-large',
    message: expect.stringMatching(/^Fusion Guide needs \d{6}\.\d GB of memory; \d+\.\d GB is free\.$/),
  })
  expect(models.state().entries[0]!.state).toMatchObject({ at: 'failed', failure: { code: 'model-too-large' } })
})

test('everybody who wants a model gets the same one, loaded once; unloading ends its process', async () => {
  const { models, events, close } = testModels()
  await models.scan()
  const progress: number[] = []
  const before = children()
  const [one, two] = await Promise.all([
    models.acquire(guideId, { onProgress: fraction => progress.push(fraction) }),
    acquire(models, guideId),
  ])
  expect(one).toBe(two)
  expect(models.ready(guideId)).toBe(one)
  expect(events().filter(event => event === 'model loaded')).toHaveLength(1)
  expect(progress.length).toBeGreaterThan(0)
  expect(models.state().entries[0]!.state).toMatchObject({ at: 'ready', loaded: { backend: 'cpu' } })
  const [pid = 0] = children().filter(child => !before.includes(child))
  await expect(models.unload(guideId)).rejects.toMatchObject({ code: 'model-busy' })
  one.release()
  two.release()
  await models.unload(guideId)
  expect(isAlive(pid)).toBe(false)
  expect(models.state().entries[0]!.state).toEqual({ at: 'cold' })
  await close()
})

test('a load that nobody waits for any more ends', async () => {
  const { models } = testModels()
  await models.scan()
  const controller = new AbortController()
  const loading = models.acquire(guideId, { signal: controller.signal, onProgress: () => {} })
  controller.abort()
  await expect(loading).rejects.toMatchObject({ code: 'cancelled' })
  // And the next one begins anew.
  const loaded = await acquire(models, guideId)
  expect(await ask(loaded, QUESTION)).toMatch(/Delete/)
})

test.each(['SIGKILL', 'SIGABRT'] as const)('a process that dies in mid answer (%s) is told, and the next one starts anew', async signal => {
  const { models } = testModels()
  const modelId = await models.add(addEndlessModel(testFolder()))
  const before = children()
  const loaded = await acquire(models, modelId)
  const [pid = 0] = children().filter(child => !before.includes(child))
  const broken = (async () => {
    const prompt = { messages: [{ role: 'user' as const, text: 'Tell me a story' }] }
    for await (const event of loaded.client.chat.generate({ chatId: 'story', prompt, sampling: {}, priority: 0 })) {
      if (event.type === 'prompt-ready') process.kill(pid, signal)
    }
  })()
  await expect(broken).rejects.toMatchObject({ code: 'disconnected' })
  expect(await loaded.gone).toMatchObject({ code: 'model-crashed', retryable: true })
  expect(models.ready(modelId)).toBeUndefined()
  expect(models.state().entries[0]!.state).toMatchObject({ at: 'failed', failure: { code: 'model-crashed' } })
  const next = await acquire(models, modelId)
  expect(next).not.toBe(loaded)
  expect(await next.client.process.stats({})).toMatchObject({ running: 0 })
})

test('backends whose driver kills the process are fallen back from, and not tried at the next start', async () => {
  const folder = testFolder()
  const options = { folder, program: programOf('dies-on-cards.ts'), backends: ['cuda', 'vulkan', 'cpu'] as const }
  const first = testModels(options)
  await first.models.scan()
  expect((await acquire(first.models, guideId)).loaded.backend).toBe('cpu')
  expect(first.events().filter(event => event === 'model not loaded')).toHaveLength(2)
  await first.close()
  const second = testModels(options)
  await second.models.scan()
  expect((await acquire(second.models, guideId)).loaded.backend).toBe('cpu')
  expect(second.events()).not.toContain('model not loaded')
})

test('a backend that is not installed here is fallen back from', async () => {
  const { models } = testModels({ backends: ['cuda', 'cpu'] })
  await models.scan()
  expect((await acquire(models, guideId)).loaded.backend).toBe('cpu')
})

test('where memory is short, a model that idles is unloaded before another is loaded, and one in use is not', async () => {
  // The shortage alone is made up: a model that really fills the memory of this machine would take others with it.
  const memory = vi.spyOn(process, 'availableMemory').mockReturnValue(1_000_000)
  onTestFinished(() => memory.mockRestore())
  const { models, events } = testModels()
  await models.scan()
  const large = await models.add(guideF16)
  const first = await acquire(models, guideId)
  const second = await acquire(models, large)
  expect([models.ready(guideId), models.ready(large)]).toEqual([first, second])
  second.release()
  await models.unload(large)
  first.release()
  const again = await acquire(models, large)
  await first.gone
  expect([models.ready(guideId), models.ready(large)]).toEqual([undefined, again])
  expect(events().filter(event => event === 'idle model unloaded to make room')).toHaveLength(1)
})

test('a model that nobody used for long is unloaded', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const { models, settings, events } = testModels()
    await models.scan()
    const loaded = await acquire(models, guideId)
    settings.unloadAfterMinutes = 1e-9
    vi.advanceTimersByTime(15_000)
    expect(models.ready(guideId)).toBe(loaded)
    loaded.release()
    const gone = loaded.gone
    vi.advanceTimersByTime(15_000)
    await gone
    expect(models.state().entries[0]!.state).toEqual({ at: 'cold' })
    expect(events()).toContain('idle model unloaded')
  } finally {
    vi.useRealTimers()
  }
})

test('a model whose figures are watched is unloaded all the same', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  try {
    const { models, settings } = testModels()
    await models.scan()
    settings.unloadAfterMinutes = 1
    const loaded = await acquire(models, guideId)
    loaded.release()
    for (let seconds = 0; seconds < 60; seconds += 15) {
      expect(await models.stats(guideId)).toMatchObject({ running: 0 })
      vi.advanceTimersByTime(15_000)
    }
    expect(models.stats(guideId)).toBeUndefined()
  } finally {
    vi.useRealTimers()
  }
})

test('no inference process outlives an engine that is killed', async () => {
  const script = `
    import { createModels } from ${JSON.stringify(join(import.meta.dirname, 'models.ts'))}
    import { defaultSettings } from '@fusion/shared/contract/settings.ts'
    const none = () => {}, rows = []
    const storage = { models: { all: () => rows, put: row => rows.push(row), remove: none }, states: { all: () => [], get: none, put: none, touch: none, remove: () => [] } }
    const log = { debug: none, info: none, warn: none, error: none }
    const models = createModels({ folder: process.argv[1], bundledFolder: ${JSON.stringify(join(guide, '..'))}, storage, settings: () => ({ ...defaultSettings, threads: 1 }), log })
    await models.scan()
    const { client } = await models.acquire(rows[0].id, { onProgress: none })
    const answer = client.chat.generate({ chatId: 'a', prompt: { messages: [{ role: 'user', text: 'word '.repeat(1500) }] }, sampling: {}, priority: 0 })
    await answer.next()
    const { readFileSync } = await import('node:fs')
    console.log(readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8'))
    for await (const _ of answer);
    setInterval(none, 1000)`
  const engine = spawn(process.execPath, ['--input-type=module', '-e', script, testFolder()], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: import.meta.dirname,
  })
  const [said] = (await once(engine.stdout, 'data')) as [Buffer]
  const pids = String(said).trim().split(/\s+/).map(Number)
  expect(pids.length).toBeGreaterThan(0)
  const gone = once(engine, 'exit')
  engine.kill('SIGKILL')
  await gone
  await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: 20_000 })
})
