// The whole program as `npm run cloud` starts it: processes of its own, killed like a person or a power cut would.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { FinishedMessage } from '@fusion/shared/contract/cloud/history.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../database/free-port.ts'
import { chatClient, question, textOf } from './testing/chat-client.ts'
import { MODEL, startScriptedServer } from './testing/scripted-server.ts'
import { makeFirstAccount, signInOnPage } from './testing/sign-in.ts'

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

test('after kill -9 in the middle of answers they are closed with what was made, and none of its processes stays', async () => {
  const servers = await startScriptedServer()
  onTestFinished(servers.close)
  // Its tokens are of this address.
  const env = { MODEL_SERVERS: JSON.stringify([{ url: servers.url }]), FUSION_CLOUD_PORT: String(await freePort()) }
  const first = await start(env)
  await makeFirstAccount(
    first.lines
      .find(line => line.startsWith('Make the first account'))!
      .split(' ')
      .at(-1)!,
  )
  const token = await signInOnPage(first.url)
  const call = (url: string, method: string, path: string, body?: object) =>
    fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
  const conversation = newId()
  await call(first.url, 'POST', '/v1/conversations', { id: conversation })
  const { prompt: _, ...asked } = question(MODEL, { conversation, question: { id: newId(), text: 'Tell me' } })
  const following = await chatClient(first.url, token).ask(asked)
  const answer = await servers.next()
  answer.say('It begins ')
  answer.say('so.')
  await following.until(({ type }) => type === 'text-delta')
  // Written down at least twice a second.
  const state = async () => (await (await call(first.url, 'GET', `/v1/generations/${asked.answer}`)).json()) as { seq: number }
  await expect.poll(async () => (await state()).seq).toBe(4)
  await new Promise(resolve => setTimeout(resolve, 1_000))
  await end(first.child, 'SIGKILL')
  await answer.gone

  const second = await start(env)
  const resumed = await chatClient(second.url, token).resume(asked.answer, 3)
  const rest = await resumed.rest()
  expect(textOf(rest)).toBe('so.')
  expect(rest.at(-1)!.event).toMatchObject({ type: 'generation-fail', failure: { code: 'model-server-lost' } })
  const messages = async () => {
    const reply = await call(second.url, 'GET', `/v1/conversations/${conversation}/messages`)
    return ((await reply.json()) as { messages: FinishedMessage[] }).messages
  }
  await expect.poll(async () => (await messages()).length, { timeout: 15_000 }).toBe(2)
  expect((await messages())[0]).toMatchObject({
    id: asked.answer,
    status: 'failed',
    parts: [{ type: 'text', text: 'It begins so.' }],
    failure: { code: 'model-server-lost' },
  })
  await end(second.child, 'SIGTERM')
  expect(second.child.exitCode).toBe(0)
  expect(await processesIn(home)).toEqual([])
})

/** Command lines of processes that name this folder. */
async function processesIn(folder: string): Promise<string[]> {
  const ids = (await readdir('/proc').catch(() => [])).filter(name => /^\d+$/.test(name))
  const lines = await Promise.all(ids.map(id => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')))
  return lines.filter(line => line.includes(folder))
}

test('a second one on the same data is refused in words, and the first goes on', async () => {
  const { url } = await start()
  await expect(start()).rejects.toThrow('Another Fusion is using this data folder.')
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
})

test('a wrong setting, and a database that is not there, are said in one line', async () => {
  await expect(start({ FUSION_CLOUD_PORT: 'many' })).rejects.toThrow('FUSION_CLOUD_PORT must be a whole number from 0 to 65535')
  await expect(start({ DATABASE_URL: 'postgres://nobody:secret@127.0.0.1:1/none' })).rejects.toThrow('does not answer')
})
