import { newId } from '@fusion/shared/contract/ids.ts'
import { expect, test } from 'vitest'
import { ask, testEngine, watchChat } from '../testing/test-engine.ts'

test('what is chosen before the first message is told to every page that has the chat open, and becomes that chat’s own', async () => {
  const { fusion } = await testEngine()
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  expect(chat.events[0]).toMatchObject({ type: 'chat-opened', draftSettings: {} })
  const chosen = { systemPrompt: 'Be brief.', sampling: { temperature: 0, maxTokens: 10 } }
  await fusion.chats.setSettings({ conversationId, settings: chosen })
  await chat.until('the choice', ({ events }) => events.some(event => event.type === 'draft-settings-changed'))
  expect(chat.events.find(event => event.type === 'draft-settings-changed')).toEqual({
    type: 'draft-settings-changed',
    draftSettings: chosen,
  })
  const later = await watchChat(fusion, conversationId)
  expect(later.events[0]).toMatchObject({ type: 'chat-opened', draftSettings: chosen })

  await ask(fusion, chat, conversationId, 'hello')
  const begun = await watchChat(fusion, conversationId)
  expect(begun.events[0]).toMatchObject({ conversation: { settings: { ...chosen, modelId: null, keepState: true } } })
  expect(begun.events[0]).toHaveProperty('draftSettings', {})
  const other = await watchChat(fusion, newId())
  expect(other.events[0]).toMatchObject({ draftSettings: {} })
})

test('a draft is told to the other pages that have its chat open, also when it was sent', async () => {
  const { fusion } = await testEngine()
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  const elsewhere = await watchChat(fusion, newId())
  const told = () => chat.events.flatMap(event => (event.type === 'draft-changed' ? [event.draft.text] : []))
  await fusion.drafts.set({ conversationId, draft: { text: 'half a thought', attachments: [] } })
  await chat.until('the draft', () => told().length > 0)
  await ask(fusion, chat, conversationId, 'hello')
  expect(told()).toEqual(['half a thought', ''])
  expect(elsewhere.events.some(event => event.type === 'draft-changed')).toBe(false)
})
