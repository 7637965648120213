import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Type } from 'typebox'
import { expect, onTestFinished, test, vi } from 'vitest'
import { connect } from '@fusion/shared/rpc/connect.ts'
import { call } from '@fusion/shared/rpc/contract.ts'
import { messagePort } from '@fusion/shared/rpc/message-port.ts'
import { serve } from '@fusion/shared/rpc/serve.ts'
import { PAGE_ORIGIN } from '@fusion/shared/contract/shell.ts'
import { startShell } from './shell.ts'
import { createElectronDouble, type EngineDouble } from './testing/electron-double.ts'
import { createQuietLog } from './testing/quiet-log.ts'
import type { Updates } from './updates.ts'

async function start(options: { platform?: NodeJS.Platform; isFirst?: boolean; updates?: Updates; userData?: string } = {}) {
  const { platform = 'linux', isFirst = true, updates } = options
  const folder = mkdtempSync(join(tmpdir(), 'fusion-shell-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const out = join(folder, 'out')
  mkdirSync(join(out, 'renderer'), { recursive: true })
  writeFileSync(join(out, 'renderer/index.html'), '<!doctype html><title>Fusion</title>')
  const double = createElectronDouble()
  const log = createQuietLog()
  double.app.isFirst = isFirst
  const killed: number[] = []
  const running = startShell(double.electron, {
    config: { userData: options.userData ?? join(folder, 'shell'), out, engineEnvironment: { FUSION_HOME: folder } },
    platform,
    log,
    kill(pid) {
      killed.push(pid)
      double.engines.find(engine => engine.pid === pid)?.emit('exit', 9)
    },
    watchForUpdates: async () => updates,
  })
  const early = { windows: double.windows.length, engines: double.engines.length, schemes: double.schemes.length }
  double.app.ready.resolve()
  await running
  const window = double.windows[0]!
  const askForPort = () => double.ipcMain.emit('page-port', { senderFrame: window.webContents.mainFrame, sender: window.webContents })
  return { ...double, folder, out, log, killed, early, window, askForPort }
}

const contract = { hello: { say: call(Type.Object({}), Type.String()) } }
function answerAs(engine: EngineDouble, name: string) {
  const port = engine.received.find(({ type }) => type === 'page-port')!.ports[0]!
  serve(contract, { hello: { say: async () => name } }, messagePort(port))
}

test('before it is ready only the scheme is registered; then one engine and one window are there', async () => {
  const { early, windows, engines, app, schemes, folder, out, window } = await start()
  expect(early).toEqual({ windows: 0, engines: 0, schemes: 1 })
  expect([windows.length, engines.length]).toEqual([1, 1])
  expect(engines[0]).toMatchObject({ path: join(out, 'engine/child.js'), env: { FUSION_HOME: folder } })
  expect(app).toMatchObject({ sandboxed: true, paths: { userData: join(folder, 'shell') } })
  expect(schemes[0]).toMatchObject({ scheme: 'app', privileges: { standard: true, secure: true } })
  expect(schemes[0]!.privileges['bypassCSP']).toBeUndefined()
  expect(window.steps).toEqual([`load ${PAGE_ORIGIN}/`])
})

test('the page has no power but its preload', async () => {
  const { window, out } = await start()
  expect(window.options.webPreferences).toEqual({
    preload: join(out, 'preload/preload.cjs'),
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    webviewTag: false,
    spellcheck: false,
  })
})

test('app://fusion/ is the built page', async () => {
  const { handlers } = await start()
  const answer = await handlers['app']!(new Request('app://fusion/'))
  expect(await answer.text()).toContain('<title>Fusion</title>')
})

test('the window is shown when the page has painted', async () => {
  const { window } = await start()
  window.emit('ready-to-show')
  expect(window.steps.at(-1)).toBe('show')
})

test('a second instance opens nothing and quits; the first one comes to the front', async () => {
  const second = await start({ isFirst: false })
  expect([second.windows.length, second.engines.length, second.app.quits]).toEqual([0, 0, 1])

  const first = await start()
  first.window.minimised = true
  first.app.emit('second-instance')
  expect(first.windows).toHaveLength(1)
  expect(first.window.steps.slice(-3)).toEqual(['restore', 'show', 'focus'])
})

test('a folder that cannot be written is said in words before the lock is asked for, which would tell of another Fusion', async () => {
  const { questions, windows, app } = await start({ userData: '/dev/null/shell' })
  expect(questions.map(({ message }) => message)).toEqual(['Fusion cannot keep its data in /dev/null.'])
  expect([windows.length, app.exitCode, app.paths]).toEqual([0, 1, {}])
})

test('a page that asks is connected to the engine', async () => {
  const { engines, window, askForPort } = await start()
  engines[0]!.emit('spawn')
  askForPort()
  answerAs(engines[0]!, 'engine one')
  const [handed] = window.webContents.mainFrame.received
  expect(handed?.channel).toBe('page-port')
  expect(await connect(contract, messagePort(handed!.ports[0]!)).hello.say({})).toBe('engine one')
})

test('after an engine crashed, a new one is started and the page gets a port to it without asking', async () => {
  const { engines, window, askForPort, log } = await start()
  engines[0]!.emit('spawn')
  askForPort()
  engines[0]!.emit('exit', 139)
  await expect.poll(() => engines.length).toBe(2)
  engines[1]!.emit('spawn')
  answerAs(engines[1]!, 'engine two')
  const { received } = window.webContents.mainFrame
  expect(received.map(({ ports }) => ports.length)).toEqual([1, 0, 1])
  expect(await connect(contract, messagePort(received[2]!.ports[0]!)).hello.say({})).toBe('engine two')
  expect(log.events).toContain('engine ended')
})

test('quitting closes the window first, then the engine, then ends', async () => {
  const { app, engines, window } = await start()
  const steps: string[] = []
  engines[0]!.emit('spawn')
  window.on('closed', () => steps.push('window closed'))
  engines[0]!.on('received', (type: string) => {
    steps.push(`engine told to ${type}`)
    setImmediate(() => {
      steps.push('engine ended')
      engines[0]!.emit('exit', 0)
    })
  })
  app.quit()
  await app.quitted.promise
  expect(steps).toEqual(['window closed', 'engine told to close', 'engine ended'])
  expect(engines).toHaveLength(1)
})

test('closing the last window quits, but not on a Mac, where the window comes back by the dock', async () => {
  const linux = await start()
  linux.app.emit('window-all-closed')
  expect(linux.app.quits).toBe(1)

  const mac = await start({ platform: 'darwin' })
  mac.window.close()
  mac.app.emit('window-all-closed')
  expect(mac.app.quits).toBe(0)
  mac.app.emit('activate')
  expect(mac.windows).toHaveLength(2)
})

test('an engine that cannot start says why; the person tries again or quits', async () => {
  const { engines, questions, answers, app, killed } = await start()
  answers.push(0)
  engines[0]!.emit('message', {
    type: 'engine-failed',
    code: 'data-folder-in-use',
    what: 'Another Fusion is using this data folder.',
    next: 'Use that one, or close it first.',
  })
  await expect.poll(() => engines.length).toBe(2)
  expect(killed).toEqual([1000])
  expect(questions[0]).toMatchObject({ message: 'Another Fusion is using this data folder.', buttons: ['Try Again', 'Quit'] })

  engines[1]!.emit('message', { type: 'engine-failed', code: 'database-newer', what: 'Newer.', next: 'Update.' })
  await app.quitted.promise
  expect(engines).toHaveLength(2)
})

test('a page that crashed is loaded anew; one that ended by itself is not', async () => {
  const { window } = await start()
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  window.webContents.emit('render-process-gone', {}, { reason: 'clean-exit', exitCode: 0 })
  vi.advanceTimersByTime(60_000)
  expect(window.webContents.reloads).toBe(0)
  window.webContents.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 5 })
  vi.advanceTimersByTime(100)
  expect(window.webContents.reloads).toBe(1)
})

test('a page that keeps crashing is told of; it is loaded anew when the person says so', async () => {
  const { window, questions, answers } = await start()
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  answers.push(0)
  for (let crash = 0; crash < 5; crash++) {
    window.webContents.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 5 })
    await vi.advanceTimersByTimeAsync(1000)
  }
  expect(questions.map(({ message }) => message)).toEqual(['The page of Fusion keeps stopping.'])
  expect(window.webContents.reloads).toBe(5)
})

test('updates are in the menu only where this build has them', async () => {
  const without = await start()
  expect(without.menu.at(-1)).toEqual({ role: 'help', submenu: [{ role: 'about' }] })
  let checks = 0
  const withUpdates = await start({ updates: { check: () => checks++, close() {} } })
  withUpdates.menu.at(-1)!.submenu![0]!.click!()
  expect(checks).toBe(1)
})
