// Clients that leave before anybody listens: while it is still looked at who asks, and what they may.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockTable } from '../../database/testing/lock-table.ts'
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

test.each([
  ['a stream', '/v1/chat/completions', { messages: [{ role: 'user', content: 'x' }], stream: true }],
  ['an answer as a whole', '/v1/chat/completions', { messages: [{ role: 'user', content: 'x' }] }],
  ['embeddings', '/v1/embeddings', { input: 'x' }],
])('of %s', async (_name, path, body) => {
  // Nobody's rules can be read for a while.
  const goOn = await lockTable(cloud.databaseUrl, 'budgets')
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
