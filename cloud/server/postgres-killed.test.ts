// The embedded Postgres is killed while people read, write and chat: what was acknowledged stays, and nobody meets more than a clear failure.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { clientIds } from '@fusion/shared/contract/cloud/account.ts'
import type { FinishedMessage } from '@fusion/shared/contract/cloud/history.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { readEvents } from '../database/generations.ts'
import { createOrganisation } from '../database/organisations.ts'
import { createUser } from '../database/users.ts'
import { readConfig } from './config.ts'
import { type Cloud, startCloud } from './start.ts'
import { chatClient, question, textOf } from './testing/chat-client.ts'
import { MODEL, type ScriptedServer, startScriptedServer } from './testing/scripted-server.ts'

let home: string
let servers: ScriptedServer
let cloud: Cloud
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fusion-cloud-'))
  servers = await startScriptedServer()
  cloud = await startCloud(
    readConfig({
      FUSION_HOME: home,
      FUSION_CLOUD_PORT: '0',
      FUSION_LOG: 'error',
      FUSION_LIMIT_USER: '0',
      FUSION_LIMIT_ORGANISATION: '0',
      FUSION_LIMIT_ADDRESS: '0',
      MODEL_SERVERS: JSON.stringify([{ url: servers.url }]),
    }),
  )
  await cloud.parts.models.looked
})
afterEach(async () => {
  await cloud.close()
  await servers.close()
  await rm(home, { recursive: true, force: true })
})

async function signIn(): Promise<{ token: string; userId: string }> {
  const { database, identity } = cloud.parts
  const organisation = await createOrganisation(database, 'Example')
  const user = await createUser(database, { organisationId: organisation.id, email: 'a@example.org', name: 'A', role: 'admin' })
  const { tokens } = await identity.sessions.begin({ user: user!, clientId: clientIds.desktop, deviceName: 'A desk' })
  return { token: tokens.access_token, userId: user!.id }
}

/** As the kernel does when there is no memory left. */
async function killPostgres(): Promise<void> {
  const [pid] = (await readFile(join(home, 'cloud/postgres/data/postmaster.pid'), 'utf8')).split('\n')
  process.kill(Number(pid), 'SIGKILL')
}
const readiness = async () => (await (await fetch(`${cloud.url}/readyz`)).json()) as { status: string; parts: Record<string, string> }

test('Postgres killed under load is started again: every acknowledged write is there once, every other was told and can be repeated', async () => {
  const { token, userId } = await signIn()
  const call = async (method: string, path: string, body?: object) => {
    const reply = await fetch(cloud.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const answer = (await reply.json()) as { error?: { code: string; message: string } }
    return { status: reply.status, code: answer.error?.code, retryAfter: reply.headers.get('retry-after'), answer }
  }
  const conversation = newId()
  await call('POST', '/v1/conversations', { id: conversation })
  const client = chatClient(cloud.url, token)
  const asked = question(MODEL, { conversation })
  const following = await client.ask(asked)
  const answer = await servers.next()
  answer.say('before ')

  const acknowledged = new Set<string>()
  const unsure: string[] = []
  const odd: unknown[] = []
  const enough = new AbortController()
  const write = (id: string) =>
    call('POST', `/v1/conversations/${conversation}/messages`, { id, parentId: null, role: 'user', parts: [{ type: 'text', text: id }] })
  const told = ({ status, code, retryAfter }: { status: number; code: string | undefined; retryAfter: string | null }) =>
    status === 503 && code === 'part_missing' && retryAfter !== null
  const writers = Array.from({ length: 6 }, async () => {
    while (!enough.signal.aborted) {
      const id = newId()
      const reply = await write(id)
      if (reply.status === 200) acknowledged.add(id)
      else unsure.push(id)
      if (reply.status !== 200 && !told(reply)) odd.push(reply)
    }
  })
  const readers = Array.from({ length: 4 }, async () => {
    while (!enough.signal.aborted) {
      const reply = await call('GET', `/v1/conversations/${conversation}/messages?limit=20`)
      if (reply.status !== 200 && !told(reply)) odd.push(reply)
    }
  })

  const wroteMore = (count: number) => expect.poll(() => acknowledged.size, { timeout: 30_000 }).toBeGreaterThan(count)
  await wroteMore(100)
  for (let round = 0; round < 2; round++) {
    await killPostgres()
    await expect.poll(() => unsure.length, { timeout: 10_000 }).toBeGreaterThan(0)
    answer.say(`round ${round} `)
    await wroteMore(acknowledged.size + 100)
  }
  enough.abort()
  await Promise.all([...writers, ...readers])
  expect(odd).toEqual([])
  expect(await readiness()).toMatchObject({ status: 'ready', parts: { database: 'embedded' } })

  answer.say('after')
  answer.finish()
  expect(textOf(await following.rest())).toBe('before round 0 round 1 after')
  // As any other server reads it: in the database.
  const stored = () => cloud.parts.database.asUser(userId, tx => readEvents(tx, asked.answer, 0))
  await expect.poll(async () => textOf(await stored()), { timeout: 10_000 }).toBe('before round 0 round 1 after')

  for (const id of unsure) expect((await write(id)).status).toBe(200)
  const seen: string[] = []
  for (let before: string | null = ''; before !== null;) {
    const page: { messages: FinishedMessage[]; next: string | null } = (
      await call('GET', `/v1/conversations/${conversation}/messages?limit=200${before && `&before=${before}`}`)
    ).answer as never
    seen.push(...page.messages.map(({ id }) => id))
    before = page.next
  }
  expect(seen.length).toBe(new Set(seen).size)
  expect(new Set(seen)).toEqual(new Set([...acknowledged, ...unsure]))
})

test('while Postgres does not come up /readyz names it, and the server ends cleanly all the same', async () => {
  const data = join(home, 'cloud/postgres/data')
  const control = join(data, 'PG_VERSION')
  const version = await readFile(control)
  await rm(control)
  await killPostgres()
  await expect.poll(readiness, { timeout: 15_000 }).toMatchObject({ status: 'not-ready', parts: { database: 'gone' } })
  await writeFile(control, version)
  await expect.poll(readiness, { timeout: 15_000 }).toMatchObject({ status: 'ready', parts: { database: 'embedded' } })
})
