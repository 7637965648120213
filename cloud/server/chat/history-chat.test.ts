// Chats of clients without an engine: the cloud plans the prompt from history, and writes question and answer to it.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ChatRequest } from '@fusion/shared/contract/cloud/chat.ts'
import type { CloudConversation, FinishedMessage } from '@fusion/shared/contract/cloud/history.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { textOf } from '@fusion/shared/chat/message.ts'
import { listMessages } from '../../database/messages.ts'
import { findUserByEmail } from '../../database/users.ts'
import { chatClient, type ChatClient, type Seen } from '../testing/chat-client.ts'
import { MODEL, type ScriptedServer, startScriptedServer, WINDOW } from '../testing/scripted-server.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

let servers: ScriptedServer
let cloud: TestCloud
let client: ChatClient
let token: string
/** One for each word of a prompt. */
const wordsOf = (messages: readonly { content: string }[]) => messages.reduce((sum, { content }) => sum + content.split(/\s+/).length, 0)
const words = (count: number) => Array.from({ length: count }, (_, index) => `w${index}`).join(' ')

beforeAll(async () => {
  servers = await startScriptedServer({ tokens: wordsOf })
  cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify([{ url: servers.url }]) } })
  await cloud.parts.models.looked
  token = await cloud.signIn()
  client = chatClient(cloud.url, token)
})
afterAll(async () => {
  await cloud.close()
  await servers.close()
})
beforeEach(() => expect.poll(() => cloud.parts.models.servers()[0]!.up).toBe(true))

async function call(method: string, path: string, body?: unknown, bearer = token): Promise<Response> {
  return fetch(cloud.url + path, {
    method,
    headers: { authorization: `Bearer ${bearer}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}
async function makeConversation(more: object = {}): Promise<string> {
  const id = newId()
  expect((await call('POST', '/v1/conversations', { id, ...more })).status).toBe(200)
  return id
}
const conversationOf = async (id: string) => (await (await call('GET', `/v1/conversations/${id}`)).json()) as CloudConversation
async function messagesOf(id: string): Promise<FinishedMessage[]> {
  const { messages } = (await (await call('GET', `/v1/conversations/${id}/messages`)).json()) as { messages: FinishedMessage[] }
  return messages.toReversed()
}
const asking = (conversation: string, text: string | undefined, more: Partial<ChatRequest> = {}): ChatRequest => ({
  conversation,
  parent: null,
  question: { id: newId(), ...(text !== undefined && { text }) },
  answer: newId(),
  model: MODEL,
  ...more,
})
/** Asks, and has the model answer with these words; what it was asked, and all events. */
async function turn(request: ChatRequest, reply: string): Promise<{ body: Record<string, unknown>; events: Seen[] }> {
  const following = await client.ask(request)
  expect(following.status).toBe(200)
  const answer = await servers.next()
  answer.say(reply)
  answer.finish()
  return { body: answer.body, events: await following.rest() }
}

test('question and answer stand in their conversation when the answer has ended, and the next question is asked with them', async () => {
  const conversation = await makeConversation({ systemPrompt: 'Be brief.', sampling: { temperature: 0.3, topP: 0.8 } })
  const first = asking(conversation, 'What is  Fusion?\nTell me.')
  const following = await client.ask(first)
  const answer = await servers.next()
  expect(await messagesOf(conversation)).toMatchObject([{ id: first.question.id, role: 'user', parentId: null, status: 'complete' }])
  expect(answer.body).toMatchObject({
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'What is  Fusion?\nTell me.' },
    ],
    temperature: 0.3,
    top_p: 0.8,
  })
  answer.say('One ')
  answer.say('app.')
  answer.finish()
  // As soon as its end is told.
  const events = await following.until(({ type }) => type === 'generation-finish')
  const [question, kept] = await messagesOf(conversation)
  expect(textOf(question!)).toBe('What is  Fusion?\nTell me.')
  const { usage } = events.at(-1)!.event as { usage: object }
  expect(kept).toMatchObject({
    id: first.answer,
    parentId: first.question.id,
    role: 'assistant',
    status: 'complete',
    parts: [{ type: 'text', text: 'One app.' }],
    finishReason: 'stop',
    failure: null,
    leftOut: null,
    segments: [{ place: 'cloud', modelId: `cloud:${MODEL}`, modelName: MODEL, ...usage }],
  })
  expect(await conversationOf(conversation)).toMatchObject({ title: 'What is Fusion?', headId: first.answer })

  const second = asking(conversation, 'And then?', { parent: first.answer, sampling: { temperature: 0.9 } })
  const { body } = await turn(second, 'More.')
  expect(body).toMatchObject({
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'What is  Fusion?\nTell me.' },
      { role: 'assistant', content: 'One app.' },
      { role: 'user', content: 'And then?' },
    ],
    temperature: 0.9,
    top_p: 0.8,
  })
  expect(await conversationOf(conversation)).toMatchObject({ title: 'What is Fusion?', headId: second.answer })
})

test('the same request again writes nothing twice; another answer to the same question is asked for without its text', async () => {
  const conversation = await makeConversation()
  const first = asking(conversation, 'Once?')
  await turn(first, 'Once.')
  await (await client.ask(first)).rest()
  expect(await messagesOf(conversation)).toHaveLength(2)

  const again = { ...first, question: { id: first.question.id }, answer: newId() }
  const { body } = await turn(again, 'Twice.')
  expect(body.messages).toEqual([{ role: 'user', content: 'Once?' }])
  expect((await messagesOf(conversation)).map(({ id, parentId }) => [id, parentId])).toEqual([
    [first.question.id, null],
    [first.answer, first.question.id],
    [again.answer, first.question.id],
  ])
  expect((await conversationOf(conversation)).headId).toBe(again.answer)
})

test('on a socket it is the same', async () => {
  const conversation = await makeConversation()
  const request = asking(conversation, 'By socket?')
  const socket = new WebSocket(`${cloud.url.replace('http', 'ws')}/v1/chat/socket`)
  const ended = new Promise<void>(resolve =>
    socket.addEventListener('message', ({ data }) => {
      const said = JSON.parse(data as string) as { type: string; event?: { type: string } }
      if (said.type === 'welcome') socket.send(JSON.stringify({ type: 'chat', request }))
      if (said.event?.type === 'generation-finish') resolve()
    }),
  )
  socket.addEventListener('open', () => socket.send(JSON.stringify({ type: 'hello', accessToken: token })))
  const answer = await servers.next()
  answer.say('Yes.')
  answer.finish()
  await ended
  socket.close()
  expect((await messagesOf(conversation)).map(textOf)).toEqual(['By socket?', 'Yes.'])
})

test('what the window does not hold is left out from its oldest turn on, and told in the event and on the answer', async () => {
  const conversation = await makeConversation({ systemPrompt: 'Be brief.' })
  let parent: string | null = null
  for (let index = 0; index < 8; index++) {
    const request = asking(conversation, `q${index} ${words(99)}`, { parent })
    const { events } = await turn(request, `a${index} ${words(49)}`)
    parent = request.answer
    const counted = events.find(({ event }) => event.type === 'prompt-count')!.event
    const all = 2 + index * 150 + 100
    // 250 tokens are kept for an answer; where that is not enough, down to 750 with it.
    if (all + 250 <= WINDOW) expect(counted).toMatchObject({ promptTokens: all, leftOut: { messages: 0, tokens: 0 } })
    if (index === 5) expect(counted).toMatchObject({ promptTokens: 2 + 2 * 150 + 100, leftOut: { messages: 6, tokens: 450 } })
    // The cut stays while it can.
    if (index === 6) expect(counted).toMatchObject({ promptTokens: 2 + 3 * 150 + 100, leftOut: { messages: 6, tokens: 450 } })
  }
  const answers = (await messagesOf(conversation)).filter(({ role }) => role === 'assistant')
  expect(answers.map(({ leftOut }) => leftOut?.messages ?? 0)).toEqual([0, 0, 0, 0, 0, 6, 6, 6])
})

test('a question that does not fit by itself is told with its tokens, and stands in its conversation with the failure', async () => {
  const conversation = await makeConversation()
  const request = asking(conversation, words(WINDOW))
  const events = await (await client.ask(request)).rest()
  expect(events.at(-1)!.event).toMatchObject({
    type: 'generation-fail',
    failure: { code: 'prompt-too-long', detail: { tokens: WINDOW, window: WINDOW } },
  })
  expect(await messagesOf(conversation)).toMatchObject([
    { id: request.question.id },
    { id: request.answer, status: 'failed', parts: [], failure: { code: 'prompt-too-long' } },
  ])
})

test('an answer that was stopped or broke off is kept with what was made, and neither half a turn nor an empty one is sent again', async () => {
  const conversation = await makeConversation()
  const stopped = asking(conversation, 'Stop me')
  const following = await client.ask(stopped)
  const answer = await servers.next()
  answer.say('Half')
  await following.until(({ type }) => type === 'text-delta')
  await client.call('POST', `/v1/generations/${stopped.answer}/cancel`)
  await following.rest()
  expect((await messagesOf(conversation)).at(-1)).toMatchObject({ status: 'stopped', parts: [{ type: 'text', text: 'Half' }] })

  const failed = asking(conversation, 'Fail', { parent: stopped.answer })
  servers.refuse('/v1/chat/completions', 500)
  await (await client.ask(failed)).rest()
  servers.refuse('/v1/chat/completions', null)
  expect((await messagesOf(conversation)).at(-1)).toMatchObject({ status: 'failed', parts: [], failure: { code: 'model-server-refused' } })

  const { body } = await turn(asking(conversation, 'Again', { parent: failed.answer }), 'Well.')
  expect(body.messages).toEqual([
    { role: 'user', content: 'Stop me' },
    { role: 'assistant', content: 'Half' },
    { role: 'user', content: 'Fail\n\nAgain' },
  ])
})

test('files of the questions before are read with them, and one that is no longer there is said to be missing', async () => {
  const conversation = await makeConversation()
  const bytes = Buffer.from('Moths fly at night.')
  const hash = createHash('sha256').update(bytes).digest('hex')
  const put = await fetch(`${cloud.url}/v1/attachments/${hash}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
    body: bytes,
  })
  expect(put.status).toBe(204)
  const ids = [newId(), newId()]
  const parts = (file: string, name: string) => [
    { type: 'attachment', hash: file, name, bytes: bytes.length },
    { type: 'text', text: 'Read it' },
  ]
  const add = (body: object) => call('POST', `/v1/conversations/${conversation}/messages`, body)
  await add({ id: ids[0], parentId: null, role: 'user', parts: parts(hash, 'moths.txt') })
  await add({ id: ids[1], parentId: ids[0], role: 'user', parts: parts('0'.repeat(64), 'gone.txt') })
  const { body } = await turn(asking(conversation, 'When?', { parent: ids[1]! }), 'At night.')
  expect((body.messages as { content: string }[])[0]!.content).toBe(
    '<file name="moths.txt">\nMoths fly at night.\n</file>\n\nRead it\n\n<file name="gone.txt" missing />\n\nRead it\n\nWhen?',
  )
  // The files of a question itself have to be there.
  const events = await (await client.ask(asking(conversation, undefined, { parent: ids[0]!, question: { id: ids[1]! } }))).rest()
  expect(events.at(-1)!.event).toMatchObject({ failure: { code: 'file-unreadable', detail: { file: 'gone.txt' } } })
})

test('what can not be asked is refused in words, and leaves nothing behind', async () => {
  const conversation = await makeConversation()
  const there = asking(conversation, 'There')
  await turn(there, 'Yes.')
  const other = await makeConversation()
  const purged = await makeConversation()
  await call('DELETE', `/v1/conversations/${purged}`)
  await call('POST', `/v1/conversations/${purged}/purge`)
  const before = await messagesOf(conversation)
  const cases: [ChatRequest, number, string][] = [
    [asking(newId(), 'No such chat'), 404, 'not_found'],
    [asking(purged, 'Gone'), 404, 'not_found'],
    [asking(conversation, 'No such parent', { parent: newId() }), 404, 'not_found'],
    [asking(other, 'Parent in another chat', { parent: there.answer }), 404, 'not_found'],
    [asking(conversation, undefined), 400, 'question_empty'],
    [asking(conversation, ' \n'), 400, 'question_empty'],
    [asking(conversation, 'Other words', { question: { id: there.question.id, text: 'Other words' } }), 422, 'request_differs'],
    [asking(conversation, undefined, { question: { id: there.answer }, parent: there.question.id }), 422, 'request_differs'],
    [asking(conversation, 'Its answer is there', { answer: there.question.id }), 422, 'request_differs'],
  ]
  for (const [request, status, code] of cases) {
    const reply = await call('POST', '/v1/chat', request)
    expect([request.question.text, reply.status, ((await reply.json()) as { error: { code: string } }).error.code]).toEqual([
      request.question.text,
      status,
      code,
    ])
    if (request.answer !== there.answer) expect((await call('GET', `/v1/generations/${request.answer}`)).status).toBe(404)
  }
  expect(await messagesOf(conversation)).toEqual(before)
  expect(await messagesOf(other)).toEqual([])
})

test('a key for inference alone neither reads nor writes history by asking', async () => {
  const conversation = await makeConversation()
  const made = (await (await call('POST', '/v1/account/api-keys', { name: 'Program', scopes: ['inference'], expiresAt: null })).json()) as {
    secret: string
  }
  const request = asking(conversation, 'May I?')
  expect((await call('POST', '/v1/chat', request, made.secret)).status).toBe(403)
  expect(await messagesOf(conversation)).toEqual([])
})

test('a chat that is deleted for good while it is answered stays deleted', async () => {
  const conversation = await makeConversation()
  const following = await client.ask(asking(conversation, 'Answer me'))
  const answer = await servers.next()
  answer.say('I ')
  await call('DELETE', `/v1/conversations/${conversation}`)
  await call('POST', `/v1/conversations/${conversation}/purge`)
  answer.finish()
  expect((await following.rest()).at(-1)!.event.type).toBe('generation-finish')
  expect((await call('GET', `/v1/conversations/${conversation}`)).status).toBe(404)
  const { id: userId } = (await findUserByEmail(cloud.database, 'admin@example.org'))!
  const page = { conversationId: conversation, before: undefined, limit: 10 }
  expect(await cloud.database.readAsUser(userId, tx => listMessages(tx, userId, page))).toEqual([])
})
