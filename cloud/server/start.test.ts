// The whole program as `npm run cloud` starts it: processes of its own, killed like a person or a power cut would.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'

let home: string
const running: ChildProcess[] = []

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fusion-cloud-'))
})
afterEach(async () => {
  for (const child of running.splice(0)) await end(child, 'SIGTERM')
  await rm(home, { recursive: true, force: true })
})

async function start(env: Record<string, string> = {}): Promise<{ url: string; lines: string[]; child: ChildProcess }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: { ...process.env, FUSION_HOME: home, FUSION_CLOUD_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const lines: string[] = []
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', line => {
      lines.push(line)
      const ready = /^Fusion Cloud is ready at (\S+)$/.exec(line)
      if (ready) resolve(ready[1]!)
    })
    child.once('close', code => reject(new Error(`ended with ${code}: ${said}`)))
  })
  return { url, lines, child }
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'exit')
  child.kill(signal)
  await closed
}

test('it starts with parts of its own, says which and what replaces them, and ends when it is asked to', async () => {
  const { url, lines, child } = await start()
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  expect(lines.join('\n')).toMatch(/Postgres of its own.*DATABASE_URL/)
  expect(lines.join('\n')).toMatch(/engine of its own.*MODEL_SERVERS/)
  await end(child, 'SIGTERM')
  expect(child.exitCode).toBe(0)
})

test('after kill -9 it starts again on the same data, with a Postgres of its own again', async () => {
  const holder = async () => (await readFile(join(home, 'cloud/postgres/data/postmaster.pid'), 'utf8')).split('\n')[0]
  const first = await start()
  const left = await holder()
  await end(first.child, 'SIGKILL')
  const second = await start()
  expect((await fetch(`${second.url}/healthz`)).status).toBe(200)
  expect(await holder()).not.toBe(left)
  await end(second.child, 'SIGTERM')
  expect(second.child.exitCode).toBe(0)
})

test('a second one on the same data is refused in words, and the first goes on', async () => {
  const { url } = await start()
  await expect(start()).rejects.toThrow('Another Fusion is using this data folder.')
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
})

test('a wrong setting, and a database that is not there, are said in one line', async () => {
  await expect(start({ FUSION_CLOUD_PORT: 'many' })).rejects.toThrow('FUSION_CLOUD_PORT must be a whole number from 0 to 65535')
  await expect(start({ DATABASE_URL: 'postgres://nobody:secret@127.0.0.1:1/none' })).rejects.toThrow('does not answer')
})
