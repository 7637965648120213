import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Value } from 'typebox/value'
import { ExportLine } from '@fusion/shared/contract/cloud/export.ts'
import type { FinishedMessage } from '@fusion/shared/contract/cloud/history.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'
import { addMessage, makeConversation, purgeConversation, trashConversation } from './write.ts'

let cloud: TestCloud
beforeAll(async () => {
  cloud = await startTestCloud()
})
afterAll(() => cloud.close())

const message = (conversationId: string, text: string, parentId: string | null = null): FinishedMessage => ({
  id: newId(),
  conversationId,
  parentId,
  role: 'user',
  parts: [{ type: 'text', text }],
  status: 'complete',
  segments: [],
  finishReason: null,
  failure: null,
  leftOut: null,
  createdAt: Date.now(),
})

async function somebody() {
  const user = await cloud.makeUser()
  const token = await cloud.signIn(user.email)
  const as = <T>(work: Parameters<typeof cloud.database.asUser<T>>[1]) => cloud.database.asUser(user.id, work)
  async function conversation(texts: readonly string[]): Promise<string> {
    const id = newId()
    await as(async tx => {
      await makeConversation(tx, user.id, { id })
      for (const text of texts) await addMessage(tx, user.id, message(id, text))
    })
    return id
  }
  return { user, token, as, conversation }
}

async function exported(token: string): Promise<ExportLine[]> {
  const reply = await fetch(`${cloud.url}/v1/export`, { headers: { authorization: `Bearer ${token}` } })
  expect(reply.headers.get('content-type')).toContain('application/x-ndjson')
  expect(reply.headers.get('content-disposition')).toContain('attachment')
  const lines = (await reply.text()).trimEnd().split('\n')
  return lines.map(line => JSON.parse(line) as ExportLine)
}

test('the file holds all of one person, trash as well, in lines as they are described, and nothing of anybody else', async () => {
  const me = await somebody()
  const other = await somebody()
  await other.conversation(['not mine'])
  const live = await me.conversation(['one\ntwo', 'a\0b \uD83D'])
  const trashed = await me.conversation(['thrown away'])
  const purged = await me.conversation(['gone for good'])
  await me.as(tx => trashConversation(tx, me.user.id, trashed, undefined))
  await me.as(async tx => {
    await trashConversation(tx, me.user.id, purged, undefined)
    await purgeConversation(tx, me.user.id, purged)
  })
  const bytes = Buffer.from('a file')
  const hash = createHash('sha256').update(bytes).digest('hex')
  await fetch(`${cloud.url}/v1/attachments/${hash}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${me.token}`, 'content-type': 'application/octet-stream' },
    body: bytes,
  })

  const lines = await exported(me.token)
  for (const line of lines) expect([...Value.Errors(ExportLine, line)], JSON.stringify(line)).toEqual([])
  expect(lines.map(({ type }) => type)).toEqual([
    'account',
    'conversation',
    'conversation',
    'message',
    'message',
    'message',
    'attachment',
    'end',
  ])
  expect(lines[0]).toMatchObject({ user: { email: me.user.email } })
  expect(lines.filter(line => line.type === 'conversation').map(({ id, life }) => [id, life])).toEqual([
    [live, 'live'],
    [trashed, 'trash'],
  ])
  expect(lines.filter(line => line.type === 'message').map(({ parts }) => parts)).toEqual([
    [{ type: 'text', text: 'one\ntwo' }],
    [{ type: 'text', text: 'a\0b \uD83D' }],
    [{ type: 'text', text: 'thrown away' }],
  ])
  expect(lines.at(-2)).toEqual({ type: 'attachment', hash, bytes: bytes.length, path: `/v1/attachments/${hash}` })
  expect(lines.at(-1)).toEqual({ type: 'end', conversations: 2, messages: 3, attachments: 1 })
})

test('a history of many pages comes whole and in order, also to whoever takes it slowly', async () => {
  const me = await somebody()
  const long = 'x'.repeat(20_000)
  for (let index = 0; index < 3; index++) await me.conversation(Array.from({ length: 150 }, (_, at) => `${index} ${at} ${long}`))
  const asked = request(`${cloud.url}/v1/export`, { headers: { authorization: `Bearer ${me.token}` } })
  asked.end()
  const [reply] = (await once(asked, 'response')) as [import('node:http').IncomingMessage]
  let text = ''
  for await (const piece of reply.setEncoding('utf8')) {
    text += piece as string
    await new Promise(resolve => setImmediate(resolve))
  }
  const lines = text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as ExportLine)
  expect(lines.at(-1)).toEqual({ type: 'end', conversations: 3, messages: 450, attachments: 0 })
  const texts = lines.flatMap(line =>
    line.type === 'message' ? line.parts.map(part => ('text' in part ? part.text.slice(0, 8).trim() : '')) : [],
  )
  expect(new Set(texts).size).toBe(450)
})

test('messages of millions of characters are read one after the other, and none is left out', async () => {
  const me = await somebody()
  const long = 'x'.repeat(5_000_000)
  await me.conversation([`1 ${long}`, '2', `3 ${long}`, `4 ${long}`, '5'])
  const lines = await exported(me.token)
  expect(
    lines.flatMap(line => (line.type === 'message' ? line.parts.map(part => ('text' in part ? part.text.slice(0, 1) : '')) : [])),
  ).toEqual(['1', '2', '3', '4', '5'])
})
