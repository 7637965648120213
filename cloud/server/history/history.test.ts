import { newId } from '@fusion/shared/contract/ids.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

let cloud: TestCloud
let mine: string
let theirs: string
beforeAll(async () => {
  cloud = await startTestCloud()
  mine = await cloud.signIn('one@example.org')
  theirs = await cloud.signIn('two@example.org')
})
afterAll(() => cloud.close())

// eslint-disable-next-line typescript/no-explicit-any -- what a reply holds is what the tests look at
type Reply = { status: number; body: any }

async function call(token: string, method: string, path: string, body?: unknown): Promise<Reply> {
  const response = await fetch(cloud.url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? null : JSON.parse(text) }
}

async function makeChat(title = 'A chat'): Promise<string> {
  const id = newId()
  expect((await call(mine, 'POST', '/v1/conversations', { id, title })).status).toBe(200)
  return id
}

const say = (chat: string, parentId: string | null, text: string, id = newId()) =>
  call(mine, 'POST', `/v1/conversations/${chat}/messages`, { id, parentId, role: 'user', parts: [{ type: 'text', text }] })

test('a conversation is made, read, changed, and made again without being changed', async () => {
  const id = await makeChat('First')
  await call(mine, 'PATCH', `/v1/conversations/${id}`, { title: 'Second', sampling: { temperature: 1 } })
  const again = await call(mine, 'POST', '/v1/conversations', { id, title: 'Third' })
  expect(again.body).toMatchObject({ id, title: 'Second', settings: { sampling: { temperature: 1 }, keepState: true }, life: 'live' })
  expect((await call(mine, 'GET', `/v1/conversations/${id}`)).body).toEqual(again.body)
})

test('messages come a page at a time, the newest first, and along a path to the root', async () => {
  const chat = await makeChat()
  const ids: string[] = []
  for (let index = 0; index < 5; index++) {
    const id = newId()
    expect((await say(chat, ids.at(-1) ?? null, `${index}`, id)).status).toBe(200)
    ids.push(id)
  }
  const branch = newId()
  await say(chat, ids[1]!, 'another way', branch)
  for (const [query, wanted] of [
    ['', [branch, ...ids.toReversed()]],
    [`&from=${ids[4]}`, ids.toReversed()],
    [`&from=${branch}`, [branch, ids[1], ids[0]]],
  ] as const) {
    const found: string[] = []
    for (let next: string | null = ''; next !== null;) {
      const page: Reply = await call(mine, 'GET', `/v1/conversations/${chat}/messages?limit=2${query}${next && `&before=${next}`}`)
      expect(page.status).toBe(200)
      found.push(...page.body.messages.map((message: { id: string }) => message.id))
      next = page.body.next
    }
    expect(found).toEqual(wanted)
  }
  expect((await call(mine, 'GET', `/v1/conversations/${chat}`)).body.headId).toBe(ids[4])
})

test('the same message again changes nothing, another one under its id is refused, and text that JSON can write is kept as it was', async () => {
  const chat = await makeChat()
  const id = newId()
  const first = await say(chat, null, 'nul \u0000 and half a pair \ud800', id)
  expect(await say(chat, null, 'nul \u0000 and half a pair \ud800', id)).toEqual(first)
  expect((await say(chat, null, 'another', id)).status).toBe(422)
  expect(first.status, JSON.stringify(first.body)).toBe(200)
  const { body } = await call(mine, 'GET', `/v1/conversations/${chat}/messages`)
  expect(body.messages[0].parts).toEqual([{ type: 'text', text: 'nul \u0000 and half a pair \ud800' }])
})

test('a message brings its chat back from the trash, marked; what was not seen keeps it from going there', async () => {
  const chat = await makeChat()
  const { version } = (await say(chat, null, 'one')).body
  await say(chat, null, 'two')
  expect((await call(mine, 'DELETE', `/v1/conversations/${chat}?seen=${version}`)).body).toMatchObject({ life: 'live', back: true })
  expect((await call(mine, 'DELETE', `/v1/conversations/${chat}`)).body).toMatchObject({ life: 'trash', back: false })
  await say(chat, null, 'three')
  expect((await call(mine, 'GET', `/v1/conversations/${chat}`)).body).toMatchObject({ life: 'live', back: true })
})

test('a chat is deleted for good out of the trash only; then not a word of it is left, and its id is never taken again', async () => {
  const chat = await makeChat('A title to forget')
  await say(chat, null, 'words to forget')
  expect((await call(mine, 'POST', `/v1/conversations/${chat}/purge`)).status).toBe(409)
  await call(mine, 'DELETE', `/v1/conversations/${chat}`)
  expect((await call(mine, 'POST', `/v1/conversations/${chat}/purge`)).status).toBe(204)
  expect((await call(mine, 'GET', `/v1/conversations/${chat}`)).status).toBe(404)
  expect((await say(chat, null, 'late')).status).toBe(410)
  expect((await call(mine, 'POST', '/v1/conversations', { id: chat })).status).toBe(410)
  const [user] = await cloud.database.query<{ id: string }>(`select id from users where email = 'one@example.org'`)
  const rows = await cloud.database.asUser(user!.id, tx =>
    tx.query(
      `select c::text as text from conversations c where id = $1 union all select m::text from messages m where conversation_id = $1`,
      [chat],
    ),
  )
  expect(rows).toHaveLength(1)
  expect(rows[0]!['text']).not.toContain('forget')
})

test('privacy is made laxer only by who saw the label that stands, and what is local-only is not taken', async () => {
  const chat = await makeChat()
  const path = `/v1/conversations/${chat}`
  const { privacyVersion } = (await call(mine, 'PATCH', path, { privacy: 'ask' })).body
  expect((await call(mine, 'PATCH', path, { privacy: 'auto' })).status).toBe(409)
  await call(mine, 'PATCH', path, { privacy: 'ask' })
  expect((await call(mine, 'PATCH', path, { privacy: 'auto', privacyVersion })).status).toBe(409)
  expect((await call(mine, 'PATCH', path, { privacy: 'local-only' })).status).toBe(422)
  expect((await call(mine, 'POST', '/v1/conversations', { id: newId(), privacy: 'local-only' })).status).toBe(422)
})

test('another person finds nothing under these ids, by any route, nor by asking the database', async () => {
  const chat = await makeChat()
  const id = newId()
  await say(chat, null, 'mine', id)
  const path = `/v1/conversations/${chat}`
  for (const [method, where, body] of [
    ['GET', path],
    ['PATCH', path, { title: 'theirs' }],
    ['DELETE', path],
    ['POST', `${path}/purge`],
    ['GET', `${path}/messages?from=${id}`],
    ['POST', `${path}/messages`, { id: newId(), parentId: id, role: 'user', parts: [] }],
  ] as const)
    expect(await call(theirs, method, where, body), where).toMatchObject({ status: 404 })
  const other = (await cloud.makeUser()).id
  for (const table of ['spaces', 'stamps', 'conversations', 'messages', 'clients']) {
    const asked = `select * from ${table}`
    expect(await cloud.database.query(asked)).toEqual([])
    expect(await cloud.database.asUser(other, tx => tx.query(asked))).toEqual([])
  }
})

test('writes at once get versions without a gap, and no reader sees one before an earlier one', async () => {
  const chat = await makeChat()
  const writing = Promise.all(Array.from({ length: 40 }, (_, index) => say(chat, null, `${index}`)))
  const state = { done: false }
  const written = writing.then(replies => {
    state.done = true
    return replies.map(reply => reply.body.version as number).toSorted((one, other) => one - other)
  })
  const user = (await cloud.database.query<{ id: string }>(`select id from users where email = 'one@example.org'`))[0]!.id
  const reads: number[][] = []
  while (!state.done)
    reads.push(
      await cloud.database.asUser(user, async tx =>
        (await tx.query<{ v: number }>('select v from messages where user_id = $1 and conversation_id = $2 order by v', [user, chat])).map(
          row => row.v,
        ),
      ),
    )
  const versions = await written
  expect(versions).toEqual(versions.map((_, index) => versions[0]! + index))
  for (const read of reads) expect(read).toEqual(versions.slice(0, read.length))
})

test('what is no cursor and no id is refused as such', async () => {
  const chat = await makeChat()
  for (const query of [`before=1'--`, 'before=1.2', `from=' or 1=1`, `before=9999999999999999.${chat}`])
    expect((await call(mine, 'GET', `/v1/conversations/${chat}/messages?${encodeURI(query)}`)).status).toBe(400)
})
