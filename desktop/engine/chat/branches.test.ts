import { newId } from '@fusion/shared/contract/ids.ts'
import { expect, test } from 'vitest'
import { ask, testEngine, watchChat } from '../testing/test-engine.ts'

test('all messages of a chat are told, whatever the branch, oldest first and in parts', async () => {
  const { fusion } = await testEngine()
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  for (let count = 0; count < 11; count++) await ask(fusion, chat, conversationId, `Question ${count}`)
  const [question, answer] = chat.path()
  await fusion.turns.answer({ conversationId, messageId: answer!.id })
  await chat.until('the second answer', ({ messages }) =>
    [...messages.values()].some(({ parentId, id, status }) => parentId === question!.id && id !== answer!.id && status === 'complete'),
  )
  const parts: string[][] = []
  for await (const { messages } of fusion.chats.branches({ conversationId })) parts.push(messages.map(({ id }) => id))
  expect(parts.map(part => part.length)).toEqual([20, 3])
  expect(parts.flat()).toEqual(parts.flat().toSorted())
  expect(new Set(parts.flat())).toEqual(new Set(chat.messages.keys()))
})

test('a chat that is not there has no messages to tell', async () => {
  const { fusion } = await testEngine()
  await expect(fusion.chats.branches({ conversationId: newId() }).next()).rejects.toMatchObject({ code: 'not-found' })
})
