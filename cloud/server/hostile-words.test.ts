// Words that mean something to a database, a pattern or a page: everywhere that people may write them, they are words.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '@fusion/shared/contract/ids.ts'
import { startTestCloud, type TestCloud } from './testing/test-cloud.ts'

let cloud: TestCloud
let token: string
beforeAll(async () => {
  cloud = await startTestCloud()
  token = await cloud.signIn()
})
afterAll(() => cloud.close())

const words: [string, string][] = [
  ['SQL that ends a statement', `'; drop table users; --`],
  ['SQL that is always true', `' or '1'='1' /*`],
  ['SQL that waits', `'||pg_sleep(30)||'`],
  ['SQL with a dollar quote', '$$; delete from messages; $$'],
  ['a pattern of LIKE', '%_%\\'],
  ['a query of words', `'a':* & !(b | <-> c) \\'`],
  ['a path into JSON', `{"$where":"1"}->>'a' #>> '{}'`],
  ['a pattern that tries everything', `${'(a+)+'.repeat(20)}${'a'.repeat(100)}!`],
  ['nested quotes without end', '"'.repeat(301)],
  ['markup', '<script>fetch("/v1/account")</script><img src=x onerror=alert(1)>'],
  ['a template', '${7*7}{{7*7}}<%= 7*7 %>'],
  ['a prototype', '__proto__ constructor toString'],
  ['a way up', '../../../../etc/passwd%00%2e%2e%2f'],
  ['a line of a log', '\n{"level":60,"msg":"forged"}\r\n'],
  ['signs that turn the line around', '\u202egnp.exe\u2066\u200b'],
  ['letters of every kind', 'Ａ\u0301ß中国🧑🏽‍🚀\uFFFE\uDBFF\uDFFF'],
]

async function call(method: string, path: string, body?: object): Promise<{ status: number; body: Record<string, unknown> }> {
  const reply = await fetch(cloud.url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await reply.text()
  return { status: reply.status, body: text ? (JSON.parse(text) as Record<string, unknown>) : {} }
}

test.each(words)('%s is kept, found and shown as what was written', async (_what, text) => {
  const id = newId()
  const title = text.slice(0, 200)
  expect(await call('POST', '/v1/conversations', { id, title, systemPrompt: text })).toMatchObject({
    status: 200,
    body: { title, settings: { systemPrompt: text } },
  })
  const message = { id: newId(), parentId: null, role: 'user', parts: [{ type: 'text', text }] }
  expect((await call('POST', `/v1/conversations/${id}/messages`, message)).status).toBe(200)
  const page = await call('GET', `/v1/conversations/${id}/messages`)
  expect(page.body).toMatchObject({ messages: [{ parts: [{ type: 'text', text }] }] })
  expect((await call('GET', `/v1/search?q=${encodeURIComponent(text)}`)).status).toBe(200)
  const place = await call('GET', `/v1/conversations?before=${encodeURIComponent(text.slice(0, 100))}`)
  expect([400, 200]).toContain(place.status)
  const key = await call('POST', '/v1/account/api-keys', { name: title.slice(0, 100), scopes: ['history'], expiresAt: null })
  expect([key.status, key.status === 400 || (key.body as { key: { name: string } }).key.name === title.slice(0, 100)]).toEqual([
    key.status,
    true,
  ])
  expect([200, 400]).toContain(key.status)
  for (const path of ['/v1/models/', '/v1/conversations/', '/v1/attachments/', '/v1/generations/'])
    expect([400, 404]).toContain((await call('GET', path + encodeURIComponent(text.slice(0, 90)))).status)
  const asked = {
    conversation: id,
    parent: null,
    question: { id: newId() },
    answer: newId(),
    model: text.slice(0, 90),
    prompt: { messages: [{ role: 'user', text }] },
  }
  expect([200, 400, 404]).toContain((await call('POST', '/v1/chat', asked).catch(() => ({ status: 200 }))).status)
})

test('afterwards everything is still there', async () => {
  const { conversations } = (await call('GET', '/v1/conversations?limit=200')).body as { conversations: unknown[] }
  expect(conversations).toHaveLength(words.length)
  expect((await call('GET', '/v1/account')).status).toBe(200)
  expect(await cloud.database.query('select 1 from users limit 1')).toHaveLength(1)
})
