import { textOf } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { expect, test } from 'vitest'
import { endInferenceOf, testEngine, watchChat, ask } from '../testing/test-engine.ts'

const RAMBLE = { temperature: 2, topK: 0, topP: 1, minP: 0, seed: 7 }

test('an inference process that dies in mid answer leaves the text, the reason, and a way to go on from there', async () => {
  const { fusion } = await testEngine()
  await fusion.settings.set({ sampling: RAMBLE })
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  const questionId = newId()
  await fusion.turns.send({ conversationId, questionId, text: 'Tell me a very long story', attachments: [] })
  await chat.until('text', ({ events }) => events.some(event => event.type === 'text-delta'))
  endInferenceOf(process.pid)
  await chat.until('the broken answer', ({ messages }) => [...messages.values()].some(message => message.status === 'failed'))
  const broken = chat.path().at(-1)!
  expect(broken.failure?.code).toMatch(/^(model-crashed|out-of-memory)$/)
  const kept = textOf(broken)
  expect(kept.length).toBeGreaterThan(0)

  await fusion.settings.set({ sampling: { ...RAMBLE, maxTokens: 30 } })
  await fusion.turns.goOn({ conversationId, messageId: broken.id })
  const next = () => [...chat.messages.values()].find(message => message.parentId === questionId && message.status === 'complete')
  await chat.until('the rest', () => next() !== undefined)
  expect(textOf(next()!).startsWith(kept)).toBe(true)
  expect(textOf(next()!).length).toBeGreaterThan(kept.length)
  expect(next()!.segments.map(({ from, reason }) => [from, reason])).toEqual([
    [0, 'only-local'],
    [kept.length, 'went-on'],
  ])
})

test('a question that waited behind a broken answer is asked again behind the one that went on', async () => {
  const { fusion } = await testEngine()
  await fusion.settings.set({ sampling: RAMBLE })
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  await fusion.turns.send({ conversationId, questionId: newId(), text: 'Tell me a very long story', attachments: [] })
  await chat.until('text', ({ events }) => events.some(event => event.type === 'text-delta'))
  await fusion.turns.send({ conversationId, questionId: newId(), text: 'hello', attachments: [] })
  endInferenceOf(process.pid)
  await chat.until('the pause', ({ events }) => events.some(event => event.type === 'turn-changed' && event.turn.at === 'paused'))
  const broken = [...chat.messages.values()].find(message => message.status === 'failed')!
  await fusion.settings.set({ sampling: { temperature: 0, maxTokens: 30 } })
  await fusion.turns.goOn({ conversationId, messageId: broken.id })
  await chat.until(
    'both answers',
    ({ messages }) => [...messages.values()].filter(message => message.role === 'assistant' && message.status === 'complete').length === 2,
  )
  expect(chat.path().map(message => message.role)).toEqual(['user', 'assistant', 'user', 'assistant'])
  expect(textOf(chat.path()[2]!)).toBe('hello')
})

test('an answer that was growing when the engine was killed is closed as interrupted at the next start', async () => {
  const first = await testEngine()
  const conversationId = newId()
  const chat = await watchChat(first.fusion, conversationId)
  await ask(first.fusion, chat, conversationId, 'hello')
  await first.fusion.settings.set({ sampling: RAMBLE })
  await first.fusion.turns.send({ conversationId, questionId: newId(), text: 'Tell me a very long story', attachments: [] })
  await chat.until('text', ({ events }) => events.filter(event => event.type === 'text-delta').length > 5)
  await first.close()
  const second = await testEngine({ folder: first.folder })
  const again = await watchChat(second.fusion, conversationId)
  expect(again.path().map(({ role, status }) => [role, status])).toEqual([
    ['user', 'complete'],
    ['assistant', 'complete'],
    ['user', 'complete'],
    ['assistant', 'stopped'],
  ])
})
