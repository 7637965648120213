import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { PassingEvent, PassingQuestion } from '@fusion/shared/contract/engine.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { expect, test } from 'vitest'
import { filesWith } from '../testing/files-with.ts'
import { endlessEngine, testEngine } from '../testing/test-engine.ts'

const question = (fields: Partial<PassingQuestion> = {}): PassingQuestion => ({
  threadId: newId(),
  modelId: null,
  system: null,
  turns: [{ role: 'user', text: 'What can you do?' }],
  sampling: { temperature: 0 },
  ...fields,
})

async function answerOf(events: AsyncIterable<PassingEvent>) {
  const all: PassingEvent[] = []
  for await (const event of events) all.push(event)
  return { all, text: all.map(event => (event.type === 'text-delta' ? event.text : '')).join('') }
}

test('an answer outside of any chat says by what it was made, and nothing of it is kept', async () => {
  const { fusion, folder, close, logged } = await testEngine()
  const asked = 'xylophonist zeppelins'
  const { all, text } = await answerOf(fusion.models.answer(question({ turns: [{ role: 'user', text: asked }] })))
  expect(text.length).toBeGreaterThan(0)
  expect(all[0]).toMatchObject({ type: 'answer-begun', modelName: 'Fusion Guide', backend: 'cpu', leftOut: { messages: 0, tokens: 0 } })
  expect(all.at(-1)).toMatchObject({ type: 'answer-finished', reason: 'stop', usage: { completionTokens: expect.any(Number) } })
  await close()
  expect(logged.join()).not.toContain('xylophonist')
  // Nor a KV state, which would be the talk in another form.
  expect(existsSync(join(folder, 'states')) ? readdirSync(join(folder, 'states')) : []).toEqual([])
  expect(filesWith(folder, ['xylophonist', text.slice(0, 20)])).toEqual([])
})

test('the next question of a thread finds what was computed for the one before', async () => {
  const { fusion } = await testEngine()
  const first = question()
  const { text } = await answerOf(fusion.models.answer(first))
  const turns = [...first.turns, { role: 'assistant' as const, text }, { role: 'user' as const, text: 'And what else?' }]
  const { all } = await answerOf(fusion.models.answer({ ...first, turns }))
  const end = all.at(-1)
  const usage = end?.type === 'answer-finished' ? end.usage : undefined
  expect(usage!.cachedTokens).toBeGreaterThan(usage!.promptTokens / 2)
})

test('turns that the window does not hold are left out, the oldest first, and that is said', async () => {
  const { fusion } = await testEngine()
  const long = 'What is a model file? '.repeat(60)
  const turns = Array.from({ length: 21 }, (_, index) => ({ role: index % 2 ? ('assistant' as const) : ('user' as const), text: long }))
  const { all } = await answerOf(fusion.models.answer(question({ turns, sampling: { maxTokens: 5 } })))
  const begun = all[0]?.type === 'answer-begun' ? all[0] : undefined
  expect(begun!.leftOut.messages).toBeGreaterThan(0)
  expect(begun!.leftOut.messages % 2).toBe(0)
  expect(begun!.leftOut.messages).toBeLessThan(20)
})

test('a question that no window of the model holds is refused', async () => {
  const { fusion } = await testEngine()
  const events = fusion.models.answer(question({ turns: [{ role: 'user', text: 'word '.repeat(20_000) }] }))
  await expect(answerOf(events)).rejects.toMatchObject({ code: 'prompt-too-long' })
})

test('without a question at the end there is nothing to answer', async () => {
  const { fusion } = await testEngine()
  const events = fusion.models.answer(question({ turns: [{ role: 'assistant', text: 'Hello' }] }))
  await expect(answerOf(events)).rejects.toMatchObject({ code: 'bad-input' })
})

test('who leaves ends the answer, and the model is free again', async () => {
  const { fusion } = await endlessEngine()
  let modelId = ''
  for await (const event of fusion.models.answer(question())) {
    if (event.type === 'answer-begun') modelId = event.modelId
    if (event.type === 'text-delta') break
  }
  await expect.poll(() => fusion.models.unload({ modelId }).then(() => 'unloaded')).toBe('unloaded')
})
