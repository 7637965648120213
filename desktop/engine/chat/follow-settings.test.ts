import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ModelsState } from '@fusion/shared/contract/engine.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { LoadedModel } from '@fusion/shared/contract/model.ts'
import { expect, test } from 'vitest'
import { ask, endlessEngine, growingChat, testEngine, type TestEngine, watchChat } from '../testing/test-engine.ts'

const greedy = { temperature: 0, maxTokens: 20 }

/** The first model as it is loaded, once that is as wished. */
async function loadedFirst({ fusion }: TestEngine, wished: (loaded: LoadedModel) => boolean): Promise<LoadedModel> {
  for await (const { entries } of fusion.models.watch({}) as AsyncIterable<ModelsState>) {
    const state = entries[0]?.state
    if (state?.at === 'ready' && wished(state.loaded)) return state.loaded
  }
  throw new Error('the stream of models ended')
}

test('a model that idles is loaded anew with the window that is set; its chats are there again, and their meter tells it', async () => {
  const engine = await testEngine()
  const { fusion } = engine
  await fusion.settings.set({ sampling: greedy })
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  const before = await ask(fusion, chat, conversationId, 'hello '.repeat(60))
  await fusion.settings.set({ contextTokens: 1024 })
  const loaded = await loadedFirst(engine, ({ contextTokens }) => contextTokens === 1024)
  expect(loaded.contextTokens).toBe(1024)
  await chat.until('the new window', ({ events }) =>
    events.some(event => event.type === 'context-changed' && event.context?.windowTokens === 1024),
  )
  const after = await ask(fusion, chat, conversationId, 'How do I delete a chat?')
  expect(after.segments[0]!.cachedTokens).toBeGreaterThan(before.segments[0]!.promptTokens)
})

test('a model that answers is loaded anew when it is done, and the answer is whole', async () => {
  const engine = await endlessEngine()
  const { fusion } = engine
  await fusion.settings.set({ sampling: { maxTokens: 1500 } })
  const { chat, questionId } = await growingChat(engine)
  await fusion.settings.set({ threads: 1, contextTokens: 1536 })
  const answer = () => [...chat.messages.values()].find(({ parentId }) => parentId === questionId)
  await chat.until('the end', () => answer()?.status === 'complete')
  expect(answer()!.segments).toMatchObject([{ completionTokens: 1500 }])
  await loadedFirst(engine, ({ contextTokens }) => contextTokens === 1536)
})

test('a model that answers a program is loaded anew when it is done, too', async () => {
  const engine = await endlessEngine()
  const { fusion } = engine
  const turns = [{ role: 'user' as const, text: 'hello' }]
  const question = { threadId: newId(), modelId: null, system: null, turns, sampling: { maxTokens: 1500 } }
  let set: unknown
  for await (const event of fusion.models.answer(question)) {
    if (event.type === 'text-delta') set ??= await fusion.settings.set({ contextTokens: 1536 })
    if (event.type === 'answer-finished') expect(event.usage.completionTokens).toBe(1500)
  }
  await loadedFirst(engine, ({ contextTokens }) => contextTokens === 1536)
})

test('a window that is set while its model is loading is the one that it gets', async () => {
  const engine = await testEngine()
  const { fusion } = engine
  await fusion.settings.set({ sampling: greedy })
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  const answering = ask(fusion, chat, conversationId, 'hello')
  await chat.until('the load', ({ events }) => events.some(event => event.type === 'turn-changed' && event.turn.at === 'loading-model'))
  await fusion.settings.set({ contextTokens: 1024 })
  expect((await answering).status).toBe('complete')
  expect(chat.events.findLast(event => event.type === 'context-changed')).toMatchObject({ context: { windowTokens: 1024 } })
})

test('states of chats are deleted when they are not to be kept any more, and none is written after that', async () => {
  const engine = await testEngine()
  const { fusion, folder } = engine
  await fusion.settings.set({ sampling: greedy })
  const states = () => (existsSync(join(folder, 'states')) ? readdirSync(join(folder, 'states')).filter(name => name.endsWith('.kv')) : [])
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  await ask(fusion, chat, conversationId, 'hello')
  await fusion.settings.set({ contextTokens: 1024 })
  await loadedFirst(engine, ({ contextTokens }) => contextTokens === 1024)
  expect(states()).toHaveLength(1)
  await fusion.settings.set({ keepStates: false })
  await expect.poll(states).toEqual([])
  await ask(fusion, chat, conversationId, 'hello')
  await engine.close()
  expect(states()).toEqual([])
})

test('a chat whose state is not to be kept, said while its model is loading, leaves none', async () => {
  const engine = await testEngine()
  const { fusion, folder } = engine
  await fusion.settings.set({ sampling: greedy })
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  const answering = ask(fusion, chat, conversationId, 'hello')
  await chat.until('the load', ({ events }) => events.some(event => event.type === 'turn-changed' && event.turn.at === 'loading-model'))
  await fusion.chats.setSettings({ conversationId, settings: { keepState: false } })
  await answering
  // Others take its place in memory: now it would be written.
  for (let count = 0; count < 20; count++) {
    const other = newId()
    await ask(fusion, await watchChat(fusion, other), other, 'hello')
  }
  await engine.close()
  expect(readdirSync(join(folder, 'states')).filter(name => name.includes(conversationId))).toEqual([])
})
