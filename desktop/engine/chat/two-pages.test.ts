import { textOf } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { expect, test } from 'vitest'
import { ask, endInferenceOf, endlessEngine, growingChat, testEngine, type Watched, watchChat } from '../testing/test-engine.ts'

const greedy = { temperature: 0, maxTokens: 20 }

const answersTo = ({ messages }: Watched, questionId: string) => [...messages.values()].filter(({ parentId }) => parentId === questionId)
const answered = (questionId: string) => (chat: Watched) => answersTo(chat, questionId).some(({ status }) => status === 'complete')

test('an edited question sent twice at once, as after a lost connection, is asked once', async () => {
  const engine = await endlessEngine()
  const { conversationId, chat } = await growingChat(engine)
  await engine.fusion.settings.set({ sampling: greedy })
  const edited = { conversationId, questionId: newId(), text: 'hello', attachments: [], parentId: null }
  await Promise.all([engine.fusion.turns.send(edited), engine.fusion.turns.send(edited)])
  await chat.until('the answer', answered(edited.questionId))
  expect(answersTo(chat, edited.questionId)).toHaveLength(1)
})

test('an edited question is answered at once; what waited on the branch that was left stays there, and can be answered', async () => {
  const engine = await endlessEngine()
  const { conversationId, chat } = await growingChat(engine)
  const { fusion } = engine
  const waiting = newId()
  await fusion.turns.send({ conversationId, questionId: waiting, text: 'how are you', attachments: [] })
  await fusion.settings.set({ sampling: greedy })
  const edited = newId()
  await fusion.turns.send({ conversationId, questionId: edited, text: 'hello', attachments: [], parentId: null })
  await chat.until('the answer', answered(edited))
  await chat.until('the end', ({ events }) => events.findLast(event => event.type === 'turn-changed')?.turn.at === 'idle')
  expect(answersTo(chat, waiting)).toEqual([])
  await fusion.turns.answer({ conversationId, messageId: waiting })
  await chat.until('the other answer', answered(waiting))
})

test('editing a question leaves what stands in the composer', async () => {
  const { fusion } = await testEngine()
  await fusion.settings.set({ sampling: greedy })
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  await ask(fusion, chat, conversationId, 'hello')
  const draft = { text: 'half a thought', attachments: [] }
  await fusion.drafts.set({ conversationId, draft })
  const edited = newId()
  await fusion.turns.send({ conversationId, questionId: edited, text: 'how are you', attachments: [], parentId: null })
  await chat.until('the answer', answered(edited))
  expect((await watchChat(fusion, conversationId)).events[0]).toMatchObject({ draft })
})

test('of two pages that go on from the same answer at once, or answer it again, one is told that the chat is being answered', async () => {
  const engine = await endlessEngine()
  const { conversationId, chat, questionId } = await growingChat(engine)
  const { fusion } = engine
  await fusion.turns.stop({ conversationId })
  const messageId = answersTo(chat, questionId)[0]!.id
  const outcomes = await Promise.allSettled([
    fusion.turns.goOn({ conversationId, messageId }),
    fusion.turns.goOn({ conversationId, messageId }),
    fusion.turns.answer({ conversationId, messageId }),
  ])
  expect(outcomes.map(outcome => (outcome.status === 'fulfilled' ? 'done' : (outcome.reason as { code: string }).code))).toEqual([
    'done',
    'chat-busy',
    'chat-busy',
  ])
  await fusion.turns.stop({ conversationId })
  await chat.until('its end', watched => answersTo(watched, questionId).every(({ status }) => status === 'stopped'))
  expect(answersTo(chat, questionId)).toHaveLength(2)
})

test('a question sent while another page stops the answer is answered', async () => {
  const engine = await endlessEngine()
  const { conversationId, chat } = await growingChat(engine)
  const { fusion } = engine
  await fusion.settings.set({ sampling: greedy })
  const questionId = newId()
  await Promise.all([
    fusion.turns.stop({ conversationId }),
    fusion.turns.send({ conversationId, questionId, text: 'hello', attachments: [] }),
    fusion.turns.stop({ conversationId }),
  ])
  await chat.until('an end of it', watched => answersTo(watched, questionId).some(({ status }) => status !== 'growing'))
  expect(chat.path().map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant'])
})

test('questions that wait behind a broken answer move behind the one that takes its place', async () => {
  const engine = await endlessEngine()
  const { conversationId, chat, questionId } = await growingChat(engine)
  const { fusion } = engine
  await fusion.turns.send({ conversationId, questionId: newId(), text: 'hello', attachments: [] })
  await fusion.turns.send({ conversationId, questionId: newId(), text: 'how are you', attachments: [] })
  endInferenceOf(process.pid)
  await chat.until('the pause', ({ events }) => events.some(event => event.type === 'turn-changed' && event.turn.at === 'paused'))
  await fusion.settings.set({ sampling: greedy })
  await fusion.turns.answer({ conversationId, messageId: answersTo(chat, questionId)[0]!.id })
  await chat.until('both answers', watched => watched.path().length === 5 && watched.path().at(-1)?.status === 'complete')
  expect(chat.path().map(message => [message.role, message.status])).toEqual([
    ['user', 'complete'],
    ['assistant', 'complete'],
    ['user', 'complete'],
    ['user', 'complete'],
    ['assistant', 'complete'],
  ])
  expect(chat.path().slice(2, 4).map(textOf)).toEqual(['hello', 'how are you'])
})

test('a model that is chosen in mid answer is for the next one, and one that is answering can be neither unloaded nor removed', async () => {
  const engine = await endlessEngine()
  const { conversationId, chat, questionId } = await growingChat(engine)
  const { fusion } = engine
  const modelId = await new Promise<string>(resolve => {
    void (async () => {
      for await (const { entries } of fusion.models.watch({})) if (entries[0]) return resolve(entries[0].id)
    })()
  })
  await expect(fusion.models.unload({ modelId })).rejects.toMatchObject({ code: 'model-busy' })
  await expect(fusion.models.remove({ modelId, deleteFile: true })).rejects.toMatchObject({ code: 'model-busy' })
  await fusion.chats.setSettings({ conversationId, settings: { modelId: 'f'.repeat(64) } })
  await fusion.turns.stop({ conversationId })
  await chat.until('its end', watched => answersTo(watched, questionId)[0]?.status === 'stopped')
  expect(answersTo(chat, questionId)).toMatchObject([{ segments: [{ modelId }] }])
})
