import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { textOf } from '@fusion/shared/chat/message.ts'
import type { Privacy } from '@fusion/shared/chat/conversation.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { expect, test } from 'vitest'
import { openSecretFile } from '../account/secret-file.ts'
import { type FaultyCloud, finish, startFaultyCloud, text, usage } from '../testing/faulty-cloud.ts'
import { ask, testEngine, type TestEngine, testFolder, watchChat, type Watched } from '../testing/test-engine.ts'

/** A data folder where somebody is signed in. */
async function signedInFolder(cloud: FaultyCloud): Promise<string> {
  const folder = await testFolder()
  const person = { email: 'ada@example.org', name: 'Ada', organisation: 'Example', keptIn: 'file' }
  writeFileSync(join(folder, 'account.json'), JSON.stringify({ address: cloud.address, person }))
  await openSecretFile(folder).write('refresh-0')
  return folder
}

interface Asked {
  engine: TestEngine
  conversationId: string
  chat: Watched
}

async function begun(
  cloud: FaultyCloud,
  { folder, privacy, model = 'large' }: { folder?: string; privacy?: Privacy; model?: string } = {},
): Promise<Asked> {
  const engine = await testEngine({ folder: folder ?? (await signedInFolder(cloud)) })
  const conversationId = newId()
  const { fusion } = engine
  if (privacy) {
    // A chat has a privacy of its own once it is there: its first answer comes from this computer.
    const first = await watchChat(fusion, conversationId)
    await fusion.settings.set({ sampling: { maxTokens: 1 } })
    await ask(fusion, first, conversationId, 'Hello')
    first.leave()
    await fusion.chats.setPrivacy({ conversationId, privacy })
  }
  await fusion.chats.setSettings({ conversationId, settings: { modelId: `cloud:${model}` } })
  // Asked for without any chat, when the engine starts.
  await cloud.until('the list of models', () => cloud.asked.includes('GET /v1/models'))
  cloud.asked.length = 0
  const chat = await watchChat(fusion, conversationId)
  const questionId = newId()
  await fusion.turns.send({ conversationId, questionId, text: 'What is it?', attachments: [] })
  await chat.until('the answer', () => chat.path().at(-1)?.parentId === questionId)
  return { engine, conversationId, chat }
}

const answerOf = (chat: Watched) => chat.path().at(-1)!
const ended = (chat: Watched) => chat.until('the end', () => answerOf(chat).status !== 'growing')
const seen = (chat: Watched, words: string) => chat.until(words, () => textOf(answerOf(chat)) === words)
const at = (chat: Watched, state: string) =>
  chat.until(state, ({ events }) => events.some(event => event.type === 'turn-changed' && event.turn.at === state))

test('an answer of the cloud is streamed, kept, and says where it was made', async () => {
  const cloud = await startFaultyCloud()
  const { chat } = await begun(cloud)
  await cloud.until('the question', () => cloud.questions.length === 1)
  expect(cloud.questions[0]!.prompt!.messages).toEqual([{ role: 'user', text: 'What is it?' }])
  cloud.say({ type: 'reasoning-delta', text: 'Hm.' }, ...text('It ', 'is ', 'tea.'), finish)
  await ended(chat)
  expect(answerOf(chat)).toMatchObject({
    status: 'complete',
    finishReason: 'stop',
    parts: [
      { type: 'reasoning', text: 'Hm.' },
      { type: 'text', text: 'It is tea.' },
    ],
    segments: [{ place: 'cloud', reason: 'chosen', modelId: 'cloud:large', completionTokens: 4, tokensPerSecond: 31 }],
  })
})

test('where the cloud chooses the model, the answer says which and why, also after the engine was closed in the middle', async () => {
  const cloud = await startFaultyCloud()
  const folder = await signedInFolder(cloud)
  const { engine, conversationId, chat } = await begun(cloud, { folder, model: 'auto' })
  await cloud.until('the question', () => cloud.questions.length === 1)
  cloud.say(...text('It is '))
  await seen(chat, 'It is ')
  // By what is on the disk already.
  const meanwhile = await watchChat(engine.fusion, conversationId)
  expect(answerOf(meanwhile).segments).toMatchObject([{ modelId: 'cloud:large' }])
  await engine.close()
  const { fusion } = await testEngine({ folder })
  const again = await watchChat(fusion, conversationId)
  cloud.say(...text('tea.'), finish)
  await ended(again)
  const modelReason = { code: 'only-one', model: 'large' }
  expect(answerOf(again).segments).toMatchObject([{ modelId: 'cloud:large', modelName: 'Large', quantization: 'FP8', modelReason }])
})

test('a reason that this app does not know yet costs the answer nothing', async () => {
  const cloud = await startFaultyCloud({ modelReason: { code: 'of-a-later-year', model: 'large' } })
  const { chat } = await begun(cloud, { model: 'auto' })
  await cloud.until('the question', () => cloud.questions.length === 1)
  cloud.say(...text('tea.'), finish)
  await ended(chat)
  expect(answerOf(chat)).toMatchObject({ status: 'complete', segments: [{ modelId: 'cloud:large', modelName: 'Large' }] })
  expect(answerOf(chat).segments[0]).not.toHaveProperty('modelReason')
})

test('while it waits in the cloud, the turn says its place, that the model is woken, and that a server failed', async () => {
  const cloud = await startFaultyCloud()
  const { chat } = await begun(cloud)
  await cloud.until('the question', () => cloud.questions.length === 1)
  cloud.say({ type: 'model-wake' }, { type: 'queue-wait', ahead: 2 }, { type: 'queue-wait', ahead: 0 }, ...text('one '))
  await seen(chat, 'one ')
  cloud.say({ type: 'request-retry', attempt: 2 }, ...text('two'), finish)
  await at(chat, 'idle')
  const told = chat.events.flatMap(event => (event.type === 'turn-changed' ? [event.turn] : []))
  expect(told.map(({ at, ahead }) => (ahead === undefined ? at : `${at} ${ahead}`))).toEqual([
    'waiting',
    'waking-model',
    'waiting 2',
    'waiting 0',
    'answering',
    'retrying',
    'answering',
    'idle',
  ])
  expect(answerOf(chat)).toMatchObject({ status: 'complete', parts: [{ text: 'one two' }] })
})

test('that little is left of a budget is kept with the answer, also over a restart in its middle', async () => {
  const budgetWarning = { whose: 'organisation', measure: 'tokens-a-month', usedShare: 0.93 }
  const cloud = await startFaultyCloud({ budgetWarning })
  const folder = await signedInFolder(cloud)
  const { engine, conversationId } = await begun(cloud, { folder })
  await cloud.until('the question', () => cloud.questions.length === 1)
  await engine.close()
  const { fusion } = await testEngine({ folder })
  const again = await watchChat(fusion, conversationId)
  cloud.say(...text('tea.'), finish)
  await ended(again)
  expect(answerOf(again)).toMatchObject({ status: 'complete', segments: [{ modelId: 'cloud:large', modelName: 'Large', budgetWarning }] })
})

test('a warning of another form costs the answer nothing, and nothing else that was said with it', async () => {
  const cloud = await startFaultyCloud({ budgetWarning: { left: '7 %' } })
  const { chat } = await begun(cloud, { model: 'auto' })
  await cloud.until('the question', () => cloud.questions.length === 1)
  cloud.say(...text('tea.'), finish)
  await ended(chat)
  expect(answerOf(chat)).toMatchObject({ status: 'complete', segments: [{ modelReason: { code: 'only-one' } }] })
  expect(answerOf(chat).segments[0]).not.toHaveProperty('budgetWarning')
})

test('where the cloud says why it takes no question, that is the failure, at once; a part that is away is waited for', async () => {
  const cloud = await startFaultyCloud()
  const { engine, conversationId, chat } = await begun(cloud)
  await cloud.until('the question', () => cloud.questions.length === 1)
  cloud.say(...text('Yes.'), finish)
  await ended(chat)
  const refused = async (status: number, why: Failure) => {
    cloud.refuse(status, Failure.toBody(why))
    cloud.asked.length = 0
    const questionId = newId()
    await engine.fusion.turns.send({ conversationId, questionId, text: 'More?', attachments: [] })
    await chat.until('the end', () => answerOf(chat).parentId === questionId && answerOf(chat).status === 'failed')
    return { failure: answerOf(chat).failure, asked: cloud.asked.filter(line => line === 'POST /v1/chat').length }
  }
  const detail = { used: 5000, budget: 5000, date: '2026-12-01' }
  expect(await refused(429, failure('budget-spent', detail))).toMatchObject({ failure: { code: 'budget-spent', detail }, asked: 1 })
  expect(await refused(429, failure('tokens-too-fast', { seconds: 20 }, { retryable: true }))).toMatchObject({
    failure: { code: 'tokens-too-fast' },
    asked: 1,
  })
  expect(await refused(403, failure('models-too-dear'))).toMatchObject({ failure: { code: 'models-too-dear' }, asked: 1 })
  expect(await refused(429, new Failure('of-a-later-year', ''))).toMatchObject({ failure: { code: 'cloud-unreachable' } })
  const away = await refused(503, failure('cloud-part-missing'))
  expect(away.failure).toMatchObject({ code: 'cloud-part-missing' })
  expect(away.asked).toBeGreaterThan(1)
})

test('over a cut connection, a server that ends and one that is away, no token comes twice and none is lost', async () => {
  const cloud = await startFaultyCloud()
  const { chat } = await begun(cloud)
  await cloud.until('the question', () => cloud.questions.length === 1)
  cloud.say(...text('one '))
  await seen(chat, 'one ')
  cloud.refuse(503)
  cloud.cut()
  cloud.say(...text('two '))
  await at(chat, 'connecting')
  cloud.refuse(undefined)
  await seen(chat, 'one two ')
  cloud.drain()
  cloud.say(...text('three '), finish)
  await ended(chat)
  expect(answerOf(chat)).toMatchObject({ status: 'complete', parts: [{ type: 'text', text: 'one two three ' }] })
  expect(cloud.questions).toHaveLength(1)
})

test('an engine that is closed leaves the answer to the cloud, and takes it up at the next start', async () => {
  const cloud = await startFaultyCloud()
  const folder = await signedInFolder(cloud)
  const { engine, conversationId, chat } = await begun(cloud, { folder })
  await cloud.until('the question', () => cloud.questions.length === 1)
  cloud.say(...text('one ', 'two '))
  await seen(chat, 'one two ')
  await engine.close()
  cloud.say(...text('three '))
  const { fusion } = await testEngine({ folder })
  const again = await watchChat(fusion, conversationId)
  await seen(again, 'one two three ')
  cloud.say(...text('four.'), finish)
  await ended(again)
  expect(answerOf(again)).toMatchObject({
    status: 'complete',
    parts: [{ type: 'text', text: 'one two three four.' }],
    segments: [{ from: 0, place: 'cloud', modelId: 'cloud:large', completionTokens: 4, firstTokenMs: 20 }],
  })
  expect(cloud.asked.filter(line => line.endsWith('/cancel'))).toEqual([])
})

test('an answer that the cloud has forgotten by the next start keeps its text, and says so', async () => {
  const cloud = await startFaultyCloud()
  const folder = await signedInFolder(cloud)
  const { engine, conversationId, chat } = await begun(cloud, { folder })
  await cloud.until('the question', () => cloud.questions.length === 1)
  cloud.say(...text('one '))
  await seen(chat, 'one ')
  await engine.close()
  cloud.forget()
  const again = await watchChat((await testEngine({ folder })).fusion, conversationId)
  await ended(again)
  expect(answerOf(again)).toMatchObject({ status: 'failed', failure: { code: 'cloud-answer-gone' }, parts: [{ text: 'one ' }] })
})

test('Stop closes the answer at once, and tells the cloud', async () => {
  const cloud = await startFaultyCloud()
  const { engine, conversationId, chat } = await begun(cloud)
  await cloud.until('the question', () => cloud.questions.length === 1)
  cloud.say(...text('one '))
  await seen(chat, 'one ')
  await engine.fusion.turns.stop({ conversationId })
  expect(answerOf(chat)).toMatchObject({ status: 'stopped', parts: [{ text: 'one ' }] })
  await cloud.until('the cancel', () => cloud.asked.some(line => line.endsWith('/cancel')))
})

test('a chat of this computer opens no connection, whatever model is chosen', async () => {
  const cloud = await startFaultyCloud()
  const { chat } = await begun(cloud, { privacy: 'local-only' })
  await ended(chat)
  expect(answerOf(chat)).toMatchObject({ status: 'failed', failure: { code: 'chat-local-only' }, parts: [] })
  expect(cloud.asked).toEqual([])
})

test('a chat that asks sends nothing before the person agrees, and asks again the next time', async () => {
  const cloud = await startFaultyCloud()
  const { engine, conversationId, chat } = await begun(cloud, { privacy: 'ask' })
  await at(chat, 'asking')
  expect(cloud.asked).toEqual([])
  await engine.fusion.turns.agree({ conversationId, answerId: answerOf(chat).id })
  await cloud.until('the question', () => cloud.questions.length === 1)
  cloud.say(...text('Yes.'), finish)
  await ended(chat)
  chat.events.length = 0
  await engine.fusion.turns.send({ conversationId, questionId: newId(), text: 'And now?', attachments: [] })
  await at(chat, 'asking')
  await engine.fusion.turns.stop({ conversationId })
  expect(answerOf(chat)).toMatchObject({ status: 'stopped', parts: [] })
  expect(cloud.questions).toHaveLength(1)
})

test('a prompt that the cloud counts as too long is planned again with less, and the answer says what it did not see', async () => {
  const cloud = await startFaultyCloud()
  const { engine, conversationId, chat } = await begun(cloud)
  await cloud.until('the question', () => cloud.questions.length === 1)
  cloud.say(...text('tea '.repeat(1000)), finish)
  await ended(chat)
  await engine.fusion.turns.send({ conversationId, questionId: newId(), text: 'More?', attachments: [] })
  await cloud.until('the second question', () => cloud.questions.length === 2)
  expect(cloud.questions[1]!.prompt!.messages).toHaveLength(3)
  const tooLong = { code: 'prompt-too-long', message: '', retryable: false, detail: { tokens: 5000, window: 2000 } }
  cloud.say({ type: 'generation-fail', failure: tooLong, usage })
  await cloud.until('the third question', () => cloud.questions.length === 3)
  expect(cloud.questions[2]!.prompt!.messages).toEqual([{ role: 'user', text: 'More?' }])
  cloud.say(...text('No.'), finish)
  await chat.until('the end', () => textOf(answerOf(chat)) === 'No.' && answerOf(chat).status === 'complete')
  expect(answerOf(chat).leftOut).toMatchObject({ messages: 2 })
})

test('a token that is good no more is renewed once for all that is asked at a time; a session that is over says so', async () => {
  const cloud = await startFaultyCloud()
  const { engine, conversationId, chat } = await begun(cloud)
  await cloud.until('the question', () => cloud.questions.length === 1)
  expect(cloud.refreshed()).toBe(1)
  cloud.say(...text('one '))
  await seen(chat, 'one ')
  cloud.spoilTokens()
  cloud.cut()
  cloud.say(...text('two'), finish)
  await ended(chat)
  expect(answerOf(chat)).toMatchObject({ status: 'complete', parts: [{ text: 'one two' }] })
  expect(cloud.refreshed()).toBe(2)
  cloud.endSession()
  await engine.fusion.turns.send({ conversationId, questionId: newId(), text: 'More?', attachments: [] })
  await chat.until('the second end', () => answerOf(chat).status === 'failed')
  expect(answerOf(chat).failure).toMatchObject({ code: 'signed-out' })
  expect(engine.logged.join('\n')).not.toMatch(/access-\d|refresh-\d|What is it/)
})
