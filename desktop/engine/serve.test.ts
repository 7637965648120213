import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'fusion-serve-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

interface Result {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  /** Without the log's lines, which are JSON. */
  said: string
}

/** The real program as a process of its own, with no model, so that nothing else runs beside it. */
function launch(env: Record<string, string>): { child: ChildProcess; ready: Promise<string>; done: Promise<Result> } {
  const settings = { FUSION_HOME: folder(), FUSION_PORT: '0', FUSION_RESOURCES: folder(), ...env }
  const child = spawn(process.execPath, [join(import.meta.dirname, 'serve.ts')], { env: { ...process.env, ...settings } })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const done = once(child, 'close').then(([code, signal]): Result => {
    const said = stderr.split('\n').filter(line => !line.startsWith('{'))
    return { code, signal, stdout, said: said.join('\n').trim() }
  })
  const line = once(createInterface({ input: child.stdout }), 'line').then(([text]) => String(text))
  const ended = done.then(({ said }) => `ended: ${said}`)
  return { child, ready: Promise.race([line, ended]), done }
}

const readyLine = /^Fusion is ready at http:\/\/127\.0\.0\.1:(\d+)\/#token=([\w-]{43})$/

test('it says where it is ready in one line, and SIGINT or SIGTERM ends it well', async () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const { child, ready, done } = launch({})
    expect(await ready).toMatch(readyLine)
    child.kill(signal)
    expect(await done).toMatchObject({ code: 0, signal: null, said: '' })
  }
})

test('it goes on when nobody reads what it says any more', async () => {
  const { child, ready, done } = launch({})
  const port = readyLine.exec(await ready)![1]!
  child.stdout!.destroy()
  child.stderr!.destroy()
  // Each refusal is logged.
  for (let count = 0; count < 5; count++) expect((await fetch(`http://127.0.0.1:${port}/`, { method: 'PUT' })).status).toBe(405)
  child.kill('SIGTERM')
  expect(await done).toMatchObject({ code: 0, signal: null })
})

test('the log tells the settings and never the token', async () => {
  const home = folder()
  const { child, ready, done } = launch({ FUSION_HOME: home })
  const token = readyLine.exec(await ready)![2]!
  child.kill('SIGTERM')
  await done
  const log = readFileSync(join(home, 'logs/fusion.log'), 'utf8')
  expect(log).toContain('"event":"engine starting"')
  expect(log).toContain(JSON.stringify(home))
  expect(log).not.toContain(token)
})

test('a wrong setting is named in one line', async () => {
  const home = folder()
  const { done } = launch({ FUSION_PORT: 'http', FUSION_HOME: join(home, 'data') })
  expect(await done).toEqual({
    code: 1,
    signal: null,
    stdout: '',
    said: 'FUSION_PORT must be a whole number from 0 to 65535; it is "http".',
  })
  expect(existsSync(join(home, 'data'))).toBe(false)
})

test('a port that is in use is named in one line', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  onTestFinished(() => void other.close())
  const { port } = other.address() as AddressInfo
  const { done } = launch({ FUSION_PORT: String(port) })
  const said = `Port ${port} is in use: close what uses it, or set FUSION_PORT to another (0 picks one).`
  expect(await done).toEqual({ code: 1, signal: null, stdout: '', said })
})

test('a second instance on the same data folder says so in one line, and the first goes on', async () => {
  const home = folder()
  const first = launch({ FUSION_HOME: home })
  const port = readyLine.exec(await first.ready)![1]!
  const second = launch({ FUSION_HOME: home })
  const said = 'Another Fusion is using this data folder. Use that one, or close it first.'
  expect(await second.done).toEqual({ code: 1, signal: null, stdout: '', said })
  expect((await fetch(`http://127.0.0.1:${port}/session`)).status).toBe(405)
})

test('chats of a newer Fusion are not opened, and one line says what to do', async () => {
  const home = folder()
  const first = launch({ FUSION_HOME: home })
  await first.ready
  first.child.kill('SIGTERM')
  await first.done
  const sqlite = new DatabaseSync(join(home, 'fusion.db'))
  sqlite.exec('pragma user_version = 999')
  sqlite.close()
  const said = 'Your chats were last opened by a newer Fusion. Update this one to open them. Nothing was changed.'
  expect(await launch({ FUSION_HOME: home }).done).toEqual({ code: 1, signal: null, stdout: '', said })
})

// Only root can mount a small file system.
test.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)(
  'a data folder that is full or cannot be written to is said in one line',
  async () => {
    const home = folder()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'fusion-test', home])
    onTestFinished(() => void execFileSync('umount', ['-l', home]))
    writeFileSync(join(home, 'filler'), Buffer.alloc(60_000))
    const full = 'The disk is full. What was saved is safe. Make room, then try again.'
    expect(await launch({ FUSION_HOME: home }).done).toEqual({ code: 1, signal: null, stdout: '', said: full })
    execFileSync('mount', ['-o', 'remount,ro', home])
    const readOnly = `Fusion cannot write to ${home}. Make the folder writable, then start Fusion again. Nothing was changed.`
    expect(await launch({ FUSION_HOME: home }).done).toEqual({ code: 1, signal: null, stdout: '', said: readOnly })
  },
)

test('a data folder that is a file is named in one line', async () => {
  const file = join(folder(), 'file')
  writeFileSync(file, '')
  const { code, stdout, said } = await launch({ FUSION_HOME: file }).done
  expect({ code, stdout, lines: said.split('\n').length }).toEqual({ code: 1, stdout: '', lines: 1 })
  expect(said).toContain(file)
})

// Root may write everywhere, so this one needs another user.
test.skipIf(process.getuid?.() === 0)('a data folder that cannot be made is named in one line', async () => {
  const closed = join(folder(), 'closed')
  mkdirSync(closed)
  chmodSync(closed, 0o500)
  const home = join(closed, 'data')
  const { code, stdout, said } = await launch({ FUSION_HOME: home }).done
  expect({ code, stdout, lines: said.split('\n').length }).toEqual({ code: 1, stdout: '', lines: 1 })
  expect(said).toContain(home)
})
