// Clients that leave before anybody listens: while it is still looked at who asks, and what they may.
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MODEL, startScriptedServer, type ScriptedServer } from '../testing/scripted-server.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

let server: ScriptedServer
let cloud: TestCloud
let token: string

beforeEach(async () => {
  server = await startScriptedServer()
  cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify([{ url: server.url }]) } })
  await cloud.parts.models.looked
  token = await cloud.signIn()
})
afterEach(async () => {
  await cloud.close()
  await server.close()
})

/** Nobody's rules can be read until what it returns is called. */
async function holdUp(): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: cloud.databaseUrl })
  await client.connect()
  await client.query('begin')
  await client.query('lock table budgets in access exclusive mode')
  return async () => {
    await client.query('commit')
    await client.end()
  }
}

test.each([
  ['a stream', '/v1/chat/completions', { messages: [{ role: 'user', content: 'x' }], stream: true }],
  ['an answer as a whole', '/v1/chat/completions', { messages: [{ role: 'user', content: 'x' }] }],
  ['embeddings', '/v1/embeddings', { input: 'x' }],
])('of %s', async (_name, path, body) => {
  const goOn = await holdUp()
  const leaving = new AbortController()
  const reply = fetch(cloud.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: MODEL, ...body }),
    signal: leaving.signal,
  })
  await sleep(300)
  leaving.abort()
  await expect(reply).rejects.toThrow('aborted')
  await sleep(100)
  await goOn()
  await sleep(500)
  expect(cloud.parts.models.servers()[0]!.inFlight).toBe(0)
  const answer = await Promise.race([server.next(), sleep(100, undefined)])
  expect(answer).toBeUndefined()
})
