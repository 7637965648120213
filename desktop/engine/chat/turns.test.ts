import { textOf } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { expect, test } from 'vitest'
import { ask, endlessEngine, growingChat, testEngine, watchChat } from '../testing/test-engine.ts'

const greedy = { temperature: 0 }

test('a question is answered by the bundled model, and the answer says where it was made and how fast', async () => {
  const { fusion } = await testEngine()
  await fusion.settings.set({ sampling: greedy })
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  const answer = await ask(fusion, chat, conversationId, 'How do I delete a chat?')
  expect(textOf(answer)).toContain('Delete')
  expect(answer).toMatchObject({ role: 'assistant', status: 'complete', finishReason: 'stop', failure: null, leftOut: null })
  expect(answer.segments).toMatchObject([
    { from: 0, place: 'desk', reason: 'only-local', quantization: 'Q4_K_M', backend: 'cpu', promptTokens: expect.any(Number) },
  ])
  expect(answer.segments[0]!.completionTokens).toBeGreaterThan(5)
  expect(answer.segments[0]!.firstTokenMs).toBeGreaterThan(0)
  expect(answer.segments[0]!.tokensPerSecond).toBeGreaterThan(0)
  expect(chat.path().map(message => message.role)).toEqual(['user', 'assistant'])
})

test('the chat gets its title from the first question, and the next new chat gets an id of its own', async () => {
  const { fusion } = await testEngine()
  const list: string[] = []
  const conversationId = await firstNewId(fusion, list)
  const chat = await watchChat(fusion, conversationId)
  await ask(fusion, chat, conversationId, 'hello there\nsecond line')
  expect(chat.events.find(event => event.type === 'conversation-changed')).toMatchObject({ conversation: { title: 'hello there' } })
  expect(await firstNewId(fusion, list)).not.toBe(conversationId)
})

test('Stop keeps the text that was written, and the chat goes on', async () => {
  const engine = await endlessEngine()
  const { fusion } = engine
  const { conversationId, chat } = await growingChat(engine)
  await fusion.turns.stop({ conversationId })
  const stopped = chat.path().at(-1)!
  await chat.until('the stopped answer', ({ messages }) => messages.get(stopped.id)?.status === 'stopped')
  expect(textOf(chat.messages.get(stopped.id)!).length).toBeGreaterThan(0)
  await fusion.settings.set({ sampling: { ...greedy, maxTokens: 20 } })
  expect((await ask(fusion, chat, conversationId, 'hello')).status).toBe('complete')
})

test('questions sent while an answer grows wait in line and are answered together', async () => {
  const engine = await endlessEngine()
  const { fusion } = engine
  const { conversationId, chat } = await growingChat(engine)
  const [second, third] = [newId(), newId()]
  await fusion.turns.send({ conversationId, questionId: second, text: 'hello', attachments: [] })
  await fusion.turns.send({ conversationId, questionId: third, text: 'how are you', attachments: [] })
  await chat.until('both in line', ({ events }) =>
    events.some(event => event.type === 'turn-changed' && event.turn.queuedIds.join() === [second, third].join()),
  )
  await fusion.settings.set({ sampling: { ...greedy, maxTokens: 20 } })
  await fusion.turns.stop({ conversationId })
  await chat.until('the last answer', ({ messages }) =>
    [...messages.values()].some(message => message.parentId === third && message.status === 'complete'),
  )
  expect(chat.path().map(({ role, status }) => [role, status])).toEqual([
    ['user', 'complete'],
    ['assistant', 'stopped'],
    ['user', 'complete'],
    ['user', 'complete'],
    ['assistant', 'complete'],
  ])
})

test('the same question sent twice, as after a lost connection, is asked once', async () => {
  const { fusion } = await testEngine()
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  const question = { conversationId, questionId: newId(), text: 'hello', attachments: [] }
  await fusion.turns.send(question)
  await fusion.turns.send(question)
  await chat.until('the answer', ({ messages }) =>
    [...messages.values()].some(message => message.role === 'assistant' && message.status === 'complete'),
  )
  expect(chat.messages.size).toBe(2)
})

test('editing a question and answering again make branches, and every branch can be shown', async () => {
  const { fusion } = await testEngine()
  await fusion.settings.set({ sampling: greedy })
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  const first = await ask(fusion, chat, conversationId, 'hello')
  const edited = newId()
  await fusion.turns.send({ conversationId, questionId: edited, text: 'Is my data private?', attachments: [], parentId: null })
  await chat.until('the second answer', ({ messages }) =>
    [...messages.values()].some(message => message.parentId === edited && message.status === 'complete'),
  )
  expect(chat.path()[0]!.id).toBe(edited)
  expect(chat.events.findLast(event => event.type === 'path-changed')).toMatchObject({ path: [{ siblings: [first.parentId, edited] }] })

  await fusion.turns.answer({ conversationId, messageId: edited })
  await chat.until(
    'both answers',
    ({ messages }) => [...messages.values()].filter(message => message.parentId === edited && message.status === 'complete').length === 2,
  )
  await fusion.chats.showBranch({ conversationId, messageId: first.parentId! })
  await chat.until('the first branch', watched => watched.path().at(-1)?.id === first.id)
})

test('a prompt longer than the window is refused in words, and the question is kept', async () => {
  const { fusion } = await testEngine()
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  const answer = await ask(fusion, chat, conversationId, 'many words '.repeat(3000))
  expect(answer).toMatchObject({ status: 'failed', failure: { code: 'prompt-too-long', detail: { window: 2048 } } })
  expect(textOf(chat.path()[0]!)).toHaveLength(33_000)
})

test('what a full window left out is said in the answer and in the meter', async () => {
  const { fusion } = await testEngine()
  await fusion.settings.set({ sampling: { ...greedy, maxTokens: 20 } })
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  let answer = await ask(fusion, chat, conversationId, 'one '.repeat(300))
  for (let turn = 0; turn < 6 && answer.leftOut === null; turn++) answer = await ask(fusion, chat, conversationId, 'two '.repeat(300))
  expect(answer.leftOut).toMatchObject({ messages: expect.any(Number), tokens: expect.any(Number) })
  const report = chat.events.findLast(event => event.type === 'context-changed' && event.context !== null)
  expect(report).toMatchObject({ context: { leftOut: answer.leftOut, windowTokens: 2048, draftTooLong: false } })
})

async function firstNewId(fusion: Awaited<ReturnType<typeof testEngine>>['fusion'], seen: string[]): Promise<string> {
  for await (const event of fusion.chats.list({})) {
    seen.push(event.type)
    if (event.type === 'list-complete') return event.newConversationId
  }
  throw new Error('the list ended')
}
