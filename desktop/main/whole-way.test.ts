// The page's way to the engine, with the engine's real process code: main, the hand-over, the port, the RPC.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { UtilityProcess } from 'electron'
import { expect, onTestFinished, test } from 'vitest'
import { engineContract } from '@fusion/shared/contract/engine.ts'
import { connect } from '@fusion/shared/rpc/connect.ts'
import { messagePort } from '@fusion/shared/rpc/message-port.ts'
import { startShell } from './shell.ts'
import { createElectronDouble } from './testing/electron-double.ts'
import { forkEngine } from './testing/engine-in-thread.ts'
import { createQuietLog } from './testing/quiet-log.ts'

async function start(home: string, userData = join(home, 'shell')) {
  const double = createElectronDouble()
  const log = createQuietLog()
  const children: UtilityProcess[] = []
  Object.assign(double.electron.utilityProcess, {
    fork(_: string, __: string[], { env }: { env: Record<string, string> }) {
      const child = forkEngine(env)
      children.push(child)
      return child
    },
  })
  double.app.ready.resolve()
  await startShell(double.electron, {
    config: {
      userData,
      out: join(home, 'out'),
      engineEnvironment: { ...process.env, FUSION_HOME: home, FUSION_RESOURCES: home },
    },
    platform: 'linux',
    log,
    kill: () => children.at(-1)?.kill(),
    watchForUpdates: async () => undefined,
  })
  return { ...double, children, log, frame: double.windows[0]!.webContents.mainFrame }
}

test('a page is connected to the engine, stays so over a crash, and the engine closes with the app', async () => {
  const home = mkdtempSync(join(tmpdir(), 'fusion-whole-way-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  const { app, ipcMain, frame, children, log } = await start(home)
  // Asked while the engine's process is still coming up.
  ipcMain.emit('page-port', { senderFrame: frame })
  await expect.poll(() => frame.received.length, { timeout: 30_000 }).toBe(1)
  const client = connect(engineContract, messagePort(frame.received[0]!.ports[0]!))
  const { folderId } = await client.folders.add({ name: 'Kept' })
  expect((await client.app.watch({}).next()).value).toMatchObject({ dataFolder: home })

  const cut = client.app.watch({})
  await cut.next()
  const lost = cut.next()
  children[0]!.kill()
  await expect(lost).rejects.toMatchObject({ code: 'disconnected' })
  await expect.poll(() => frame.received.length, { timeout: 30_000 }).toBe(3)
  expect(frame.received.map(({ ports }) => ports.length)).toEqual([1, 0, 1])
  const again = connect(engineContract, messagePort(frame.received[2]!.ports[0]!))
  const events: unknown[] = []
  for await (const event of again.chats.list({})) {
    events.push(event)
    if (event.type === 'list-complete') break
  }
  expect(events.at(-1)).toMatchObject({ folders: [{ id: folderId, name: 'Kept' }] })

  app.quit()
  await app.quitted.promise
  expect(log.events).not.toContain('engine did not close in time')
  expect(existsSync(join(home, 'logs'))).toBe(true)
})

test('a data folder that is none is said in words, and the person can quit', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fusion-whole-way-'))
  const home = join(folder, 'file')
  writeFileSync(home, '')
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const { app, questions } = await start(home, join(folder, 'shell'))
  await app.quitted.promise
  expect(questions).toHaveLength(1)
  expect(questions[0]!.message).toMatch(/\.$/)
})
