// Fusion in the real Electron, wherever its program can be had; elsewhere these are skipped, with the reason.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { _electron, type ElectronApplication, expect, type Page, test } from '@playwright/test'
import { ask, parts } from './chat-steps.ts'

const root = join(import.meta.dirname, '../..')

/** The build scripts are plain JavaScript for any Node, outside this project's types. */
async function findAndBuild(): Promise<{ file: string } | { missing: string }> {
  const { findElectron } = (await import(join(root, 'build/electron.mjs'))) as {
    findElectron(root: string): Promise<{ file: string } | { missing: string }>
  }
  const { ensureBuilt } = (await import(join(root, 'build/ensure-built.mjs'))) as {
    ensureBuilt(root: string, parts: string[]): Promise<void>
  }
  const { electronParts } = (await import(join(root, 'build/parts.mjs'))) as { electronParts: string[] }
  const electron = await findElectron(root)
  if ('file' in electron) await ensureBuilt(root, electronParts)
  return electron
}

let program: string
let home: string
let app: ElectronApplication
let page: Page

const environment = () => ({ ...(process.env as Record<string, string>), FUSION_HOME: home })
const launch = () => _electron.launch({ executablePath: program, args: [root], env: environment() })

test.beforeAll(async () => {
  const electron = await findAndBuild()
  test.skip('missing' in electron, 'missing' in electron ? electron.missing : '')
  if ('file' in electron) program = electron.file
})
test.beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'fusion-electron-'))
  app = await launch()
  page = await app.firstWindow()
})
test.afterEach(async () => {
  await app?.close()
  if (home) rmSync(home, { recursive: true, force: true })
})

test('a person asks, is answered by the bundled model, and finds the chat again after a restart', async () => {
  const answer = await ask(page, 'Hello, who are you?')
  await app.close()
  app = await launch()
  page = await app.firstWindow()
  const { chats, answers } = parts(page)
  await chats.getByText(/hello/i).first().click()
  await expect.poll(() => answers.allInnerTexts()).toEqual([answer])
})

test('the page has no way to Node, to other windows or to the network', async () => {
  expect(new URL(page.url()).origin).toBe('app://fusion')
  const powers = await page.evaluate(async () => ({
    names: ['require', 'process', 'module', 'Buffer', 'electron', 'ipcRenderer'].filter(name => name in globalThis),
    opensWindows: window.open('https://example.com/') !== null,
    fetched: await fetch('https://example.com/').then(
      () => true,
      () => false,
    ),
    notifications: await Notification.requestPermission(),
  }))
  expect(powers).toEqual({ names: [], opensWindows: false, fetched: false, notifications: 'denied' })
  expect(app.windows()).toHaveLength(1)
})

test('after a reload, and after its engine was killed, the page goes on by itself', async () => {
  await ask(page, 'One')
  await page.reload()
  await ask(page, 'Two')
  const killed = await app.evaluate(({ app }) => {
    const engine = app.getAppMetrics().find(metric => metric.name === 'Fusion Engine')
    if (engine) process.kill(engine.pid, 'SIGKILL')
    return engine !== undefined
  })
  expect(killed).toBe(true)
  await ask(page, 'Three')
})

test('a second instance quits and leaves the first one its window', async () => {
  const second = spawn(program, [root], { env: environment(), stdio: 'ignore' })
  expect(await once(second, 'exit')).toEqual([0, null])
  expect(app.windows()).toHaveLength(1)
  await expect(parts(page).message).toBeEditable()
})
