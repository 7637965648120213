import { textOf } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { expect, onTestFinished, test } from 'vitest'
import { addEndlessModel, endlessName } from '../../../models/guide/testing/endless-model.ts'
import { startHeadless } from '../testing/headless.ts'
import { endInferenceOf, endlessEngine, testEngine, testFolder, watchChat } from '../testing/test-engine.ts'

test('an inference process that dies in mid answer leaves the text, the reason, and a way to go on from there', async () => {
  const { fusion } = await endlessEngine()
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

  await fusion.settings.set({ sampling: { maxTokens: 30 } })
  await fusion.turns.goOn({ conversationId, messageId: broken.id })
  const next = () => [...chat.messages.values()].find(message => message.parentId === questionId && message.status === 'complete')
  await chat.until('the rest', () => next() !== undefined)
  expect(textOf(next()!).startsWith(kept)).toBe(true)
  expect(textOf(next()!).length).toBeGreaterThan(kept.length)
  expect(next()!.segments.map(({ from, reason }) => [from, reason])).toEqual([
    [0, 'only-local'],
    [kept.length, 'went-on'],
  ])
  // The seam is told with the first word: put in later, it would move what is being read.
  const told = chat.events.filter(event => 'messageId' in event && event.messageId === next()!.id).map(event => event.type)
  expect(told.slice(0, 2)).toEqual(['segment-changed', 'text-delta'])
})

test('a question that waited behind a broken answer is asked again behind the one that went on', async () => {
  const { fusion } = await endlessEngine()
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

test('an answer that was growing when the engine was killed is closed as interrupted at the next start, with its text', async () => {
  const home = await testFolder()
  addEndlessModel(home)
  // Without the guide, which would answer while the other model is still being read.
  const engine = await startHeadless(home, { env: { FUSION_RESOURCES: home } })
  onTestFinished(() => engine.end('SIGKILL'))
  const { fusion } = await engine.connect()
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  await fusion.turns.send({ conversationId, questionId: newId(), text: 'Tell me a very long story', attachments: [] })
  const written = () => textOf(chat.path().at(-1)!)
  await chat.until('text', () => chat.path().length === 2 && written() !== '')
  // What `messages` gives is on disk.
  const { messages } = await fusion.chats.messages({ conversationId, ids: [chat.path().at(-1)!.id] })
  expect(messages).toMatchObject([{ status: 'growing' }])
  await engine.end('SIGKILL')

  const second = await testEngine({ folder: home })
  const again = await watchChat(second.fusion, conversationId)
  expect(again.path()).toMatchObject([
    { role: 'user', status: 'complete' },
    {
      role: 'assistant',
      status: 'failed',
      failure: { code: 'interrupted' },
      segments: [{ from: 0, place: 'desk', modelName: endlessName }],
    },
  ])
  expect(textOf(again.path()[1]!).startsWith(textOf(messages[0]!))).toBe(true)
})
