import type { UtilityProcess } from 'electron'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { CLOSE_MS, createEngineProcess, type Trouble } from './engine-process.ts'
import { EngineDouble, PortDouble } from './testing/electron-double.ts'
import { createQuietLog } from './testing/quiet-log.ts'
import { MessageChannel } from 'node:worker_threads'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

function create({ tryAgain = false } = {}) {
  const engines: EngineDouble[] = []
  const troubles: Trouble[] = []
  const killed: number[] = []
  const log = createQuietLog()
  let starts = 0
  let ends = 0
  const engine = createEngineProcess({
    fork() {
      const child = new EngineDouble(engines.length, 'engine', {})
      engines.push(child)
      return child as unknown as UtilityProcess
    },
    onStart: () => starts++,
    onEnd: () => ends++,
    onTrouble(trouble) {
      troubles.push(trouble)
      return Promise.resolve(tryAgain)
    },
    kill: pid => killed.push(pid),
    log,
  })
  const port = () => new PortDouble(new MessageChannel().port1) as unknown as Electron.MessagePortMain
  return { engine, engines, troubles, killed, log, port, starts: () => starts, ends: () => ends }
}

test('a crashed engine starts again after 100, 200, 400 and 800 ms; the fifth crash within a minute is the last', async () => {
  const { engine, engines, troubles } = create()
  engine.start()
  for (const [index, waitMs] of [100, 200, 400, 800].entries()) {
    engines[index]!.emit('exit', 139)
    vi.advanceTimersByTime(waitMs - 1)
    expect(engines).toHaveLength(index + 1)
    vi.advanceTimersByTime(1)
    expect(engines).toHaveLength(index + 2)
  }
  engines[4]!.emit('exit', 139)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(engines).toHaveLength(5)
  expect(troubles).toEqual([expect.objectContaining({ what: 'The engine of Fusion keeps stopping.' })])
})

test('who tries again after too many crashes gets an engine at once, and five crashes more', async () => {
  const { engine, engines, troubles } = create({ tryAgain: true })
  engine.start()
  for (let crash = 0; crash < 5; crash++) {
    engines.at(-1)!.emit('exit', 1)
    await vi.advanceTimersByTimeAsync(crash < 4 ? 10_000 : 0)
  }
  expect([engines.length, troubles.length]).toEqual([6, 1])
  engines.at(-1)!.emit('exit', 1)
  await vi.advanceTimersByTimeAsync(100)
  expect([engines.length, troubles.length]).toEqual([7, 1])
})

test('an engine that V8 gives up is started again like any other crash', () => {
  const { engine, engines, log } = create()
  engine.start()
  engines[0]!.emit('error', 'FatalError', 'v8::ToLocalChecked', '{}')
  engines[0]!.emit('exit', 1)
  vi.advanceTimersByTime(100)
  expect(engines).toHaveLength(2)
  expect(log.events).toEqual(['engine failed', 'engine ended'])
})

test('an engine that refuses to start is ended and not started again by itself', async () => {
  const { engine, engines, troubles, killed } = create()
  engine.start()
  engines[0]!.emit('message', { type: 'engine-failed', code: 'database-newer', what: 'What.', next: 'Next.' })
  expect(killed).toEqual([0])
  engines[0]!.emit('exit', 9)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(engines).toHaveLength(1)
  expect(troubles).toEqual([{ what: 'What.', next: 'Next.' }])
})

test('ports are taken only while an engine is there', () => {
  const { engine, engines, port, starts, ends } = create()
  expect(engine.take(port())).toBe(false)
  engine.start()
  expect(engine.take(port())).toBe(false)
  engines[0]!.emit('spawn')
  expect(starts()).toBe(1)
  expect(engine.take(port())).toBe(true)
  expect(engines[0]!.received).toMatchObject([{ type: 'page-port', ports: [expect.any(PortDouble)] }])
  expect(ends()).toBe(0)
  engines[0]!.emit('exit', 1)
  expect(ends()).toBe(1)
  expect(engine.take(port())).toBe(false)
})

test('an engine that does not close in time is ended', async () => {
  const { engine, engines, killed, port } = create()
  engine.start()
  engines[0]!.emit('spawn')
  const closing = engine.close()
  expect(engines[0]!.received).toMatchObject([{ type: 'close' }])
  expect(engine.take(port())).toBe(false)
  vi.advanceTimersByTime(CLOSE_MS - 1)
  expect(killed).toEqual([])
  vi.advanceTimersByTime(1)
  await closing
  expect(killed).toEqual([0])
})

test('an engine that closes in time is not ended, and not started again', async () => {
  const { engine, engines, killed } = create()
  engine.start()
  engines[0]!.emit('spawn')
  const closing = engine.close()
  engines[0]!.emit('exit', 0)
  await closing
  await vi.advanceTimersByTimeAsync(60_000)
  expect([engines.length, killed.length]).toEqual([1, 0])
})

test('closing while it waits to start again stops the waiting', async () => {
  const { engine, engines } = create()
  engine.start()
  engines[0]!.emit('exit', 1)
  await engine.close()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(engines).toHaveLength(1)
})
