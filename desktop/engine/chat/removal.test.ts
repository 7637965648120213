import { readdirSync } from 'node:fs'
import { textOf } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { expect, test } from 'vitest'
import { filesWith } from '../testing/files-with.ts'
import { ask, endlessEngine, growingChat, testEngine, type TestEngine, watchChat } from '../testing/test-engine.ts'

const greedy = { temperature: 0, maxTokens: 20 }
const SECRET = 'Zwetschgenknoedel'

const send = ({ fusion }: TestEngine, conversationId: string, text: string) => {
  const questionId = newId()
  return fusion.turns.send({ conversationId, questionId, text, attachments: [] }).then(() => questionId)
}

test('a chat that goes to the trash while questions wait in line is not answered any more, and nothing of it is lost', async () => {
  const engine = await endlessEngine()
  const { conversationId, chat } = await growingChat(engine)
  const waiting = await send(engine, conversationId, 'hello')
  await engine.fusion.chats.trash({ conversationId })
  const inTrash = await watchChat(engine.fusion, conversationId)
  expect(inTrash.events[0]).toMatchObject({ turn: { at: 'idle', answerId: null, queuedIds: [] } })
  expect(inTrash.path().map(({ role, status }) => [role, status])).toEqual([
    ['user', 'complete'],
    ['assistant', 'stopped'],
    ['user', 'complete'],
  ])
  await engine.fusion.settings.set({ sampling: greedy })
  await engine.fusion.chats.restore({ conversationId })
  await engine.fusion.turns.answer({ conversationId, messageId: waiting })
  await chat.until('the answer', ({ messages }) =>
    [...messages.values()].some(message => message.parentId === waiting && message.status === 'complete'),
  )
})

test('a question sent by another page while its chat goes to the trash is either there or refused', async () => {
  const engine = await endlessEngine()
  const { conversationId, chat } = await growingChat(engine)
  const questionId = newId()
  const parentId = chat.path()[1]!.parentId
  const [, sent] = await Promise.allSettled([
    engine.fusion.chats.trash({ conversationId }),
    engine.fusion.turns.send({ conversationId, questionId, text: 'another question', attachments: [], parentId: null }),
  ])
  const { messages } = await engine.fusion.chats.messages({ conversationId, ids: [parentId!, questionId] })
  expect(messages.map(textOf)).toEqual(['Tell me a very long story', ...(sent.status === 'fulfilled' ? ['another question'] : [])])
  expect((await watchChat(engine.fusion, conversationId)).events[0]).toMatchObject({ turn: { at: 'idle', queuedIds: [] } })
})

test('a purge while an answer grows and others wait leaves no word, no state and no turn behind', async () => {
  const engine = await endlessEngine()
  const { conversationId } = await growingChat(engine, `Tell me about ${SECRET}`)
  await send(engine, conversationId, `more about ${SECRET}`)
  await Promise.all([engine.fusion.chats.trash({ conversationId }), engine.fusion.chats.purge({ conversationId }).catch(() => {})])
  await engine.fusion.chats.purge({ conversationId })
  await expectGone(engine, conversationId)
  await engine.close()
  await expectGone(engine, conversationId)
})

test('brought back and asked by another page in mid purge, a chat is either all there or all gone', async () => {
  const engine = await endlessEngine()
  const { conversationId } = await growingChat(engine, `Tell me about ${SECRET}`)
  await engine.fusion.chats.trash({ conversationId })
  const outcomes = await Promise.allSettled([
    engine.fusion.chats.purge({ conversationId }),
    engine.fusion.chats.restore({ conversationId }),
    send(engine, conversationId, `more about ${SECRET}`),
    engine.fusion.chats.trash({ conversationId }),
    engine.fusion.chats.purge({ conversationId }),
  ])
  expect(outcomes.filter(outcome => outcome.status === 'rejected' && (outcome.reason as { code: string }).code === 'internal')).toEqual([])
  await engine.fusion.chats.purge({ conversationId })
  await expectGone(engine, conversationId)
})

test('what arrives late for a chat that was deleted for good is not kept: a draft, a choice, a question, a file', async () => {
  const engine = await testEngine()
  const { fusion } = engine
  await fusion.settings.set({ sampling: greedy })
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  await ask(fusion, chat, conversationId, `Tell me about ${SECRET}`)
  const { attachment } = await fusion.attachments.add({ name: 'list.txt', text: `the list of ${SECRET}` })
  await fusion.chats.trash({ conversationId })
  await fusion.chats.purge({ conversationId })
  await fusion.drafts.set({ conversationId, draft: { text: `and ${SECRET}`, attachments: [attachment] } })
  await expect(fusion.chats.setSettings({ conversationId, settings: { systemPrompt: SECRET } })).rejects.toMatchObject({
    code: 'not-found',
  })
  await expect(send(engine, conversationId, SECRET)).rejects.toMatchObject({ code: 'not-found' })
  await expectGone(engine, conversationId)
})

test('a file that was taken out of a draft again is gone with its chat', async () => {
  const engine = await testEngine()
  const { fusion } = engine
  await fusion.settings.set({ sampling: greedy })
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  await ask(fusion, chat, conversationId, 'hello')
  const { attachment } = await fusion.attachments.add({ name: 'list.txt', text: `the list of ${SECRET}` })
  await fusion.drafts.set({ conversationId, draft: { text: '', attachments: [attachment] } })
  await fusion.drafts.set({ conversationId, draft: { text: '', attachments: [] } })
  await fusion.chats.trash({ conversationId })
  await fusion.chats.purge({ conversationId })
  await expectGone(engine, conversationId)
})

test('a purge while a draft is prefilled leaves nothing of the draft', async () => {
  const engine = await testEngine()
  const { fusion } = engine
  await fusion.settings.set({ sampling: greedy })
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  await ask(fusion, chat, conversationId, 'hello')
  await fusion.drafts.set({ conversationId, draft: { text: `${SECRET} `.repeat(100), attachments: [] } })
  await chat.until('the count', ({ events }) =>
    events.some(event => event.type === 'context-changed' && (event.context?.draftTokens ?? 0) > 0),
  )
  await Promise.all([fusion.chats.trash({ conversationId }), fusion.chats.purge({ conversationId })])
  await expectGone(engine, conversationId)
  await engine.close()
  await expectGone(engine, conversationId)
})

test('the trash is emptied of all chats, also when another page brings one of them back meanwhile', async () => {
  const engine = await testEngine()
  const { fusion } = engine
  await fusion.settings.set({ sampling: greedy })
  const ids = [newId(), newId(), newId()]
  for (const conversationId of ids) {
    const chat = await watchChat(fusion, conversationId)
    await ask(fusion, chat, conversationId, `hello ${SECRET}`)
    await fusion.chats.trash({ conversationId })
  }
  await Promise.all([fusion.chats.emptyTrash({}), fusion.chats.restore({ conversationId: ids[1]! }).catch(() => {})])
  for await (const event of fusion.chats.list({})) {
    if (event.type === 'list-complete') break
    if (event.type === 'list-part') expect(event.conversations.filter(({ life }) => life === 'trash')).toEqual([])
  }
})

async function expectGone({ folder, logged }: TestEngine, conversationId: string): Promise<void> {
  expect(filesWith(folder, [SECRET])).toEqual([])
  expect(readdirSync(folder, { recursive: true }).filter(name => String(name).includes(conversationId))).toEqual([])
  expect(logged.filter(line => line.includes(SECRET))).toEqual([])
}
