import type { TurnState } from '@fusion/shared/contract/engine.ts'
import { textOf } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { expect, test } from 'vitest'
import { endlessEngine, growingChat, testEngine, watchChat } from '../testing/test-engine.ts'

const phases = ['loading-model', 'waiting', 'prefilling', 'answering'] satisfies TurnState['at'][]

test.each(phases)('an engine that is closed while a turn is at “%s” keeps the question and what was answered', async phase => {
  const engine = await endlessEngine()
  const conversationId = newId()
  const chat = await watchChat(engine.fusion, conversationId)
  const question = 'Tell me a very long story. '.repeat(40)
  await engine.fusion.turns.send({ conversationId, questionId: newId(), text: question, attachments: [] })
  await chat.until(phase, ({ events }) => events.some(event => event.type === 'turn-changed' && event.turn.at === phase))
  const seen = textOf(chat.path()[1]!)
  await engine.close()
  const again = await watchChat((await testEngine({ folder: engine.folder })).fusion, conversationId)
  expect(again.path().map(({ role, status }) => [role, status])).toEqual([
    ['user', 'complete'],
    ['assistant', 'stopped'],
  ])
  expect(textOf(again.path()[0]!)).toBe(question)
  expect(textOf(again.path()[1]!).startsWith(seen)).toBe(true)
})

test('questions that waited in line when the engine was closed are there at the next start, and can be answered together', async () => {
  const engine = await endlessEngine()
  const { conversationId } = await growingChat(engine)
  const [second, third] = [newId(), newId()]
  await engine.fusion.turns.send({ conversationId, questionId: second, text: 'hello', attachments: [] })
  await engine.fusion.turns.send({ conversationId, questionId: third, text: 'how are you', attachments: [] })
  await engine.close()
  const { fusion } = await testEngine({ folder: engine.folder })
  const chat = await watchChat(fusion, conversationId)
  expect(chat.events[0]).toMatchObject({ turn: { at: 'idle', queuedIds: [] } })
  expect(
    chat
      .path()
      .map(({ id }) => id)
      .slice(-2),
  ).toEqual([second, third])
  await fusion.settings.set({ sampling: { temperature: 0, maxTokens: 20 } })
  await fusion.turns.answer({ conversationId, messageId: third })
  await chat.until('the answer', ({ messages }) =>
    [...messages.values()].some(({ parentId, status }) => parentId === third && status === 'complete'),
  )
})
