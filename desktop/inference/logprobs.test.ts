import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadLlama } from './llama.ts'
import { createLogprobs } from './logprobs.ts'
import { guide, type Answer, answer, endProcess, loadModel, startProcess, type TestProcess } from './testing/inference.ts'

let shared: TestProcess
beforeAll(async () => {
  shared = startProcess()
  await loadModel(shared.client)
})
afterAll(() => endProcess(shared))

const program = { chatId: null, priority: 1 } as const
const scored = ({ events }: Answer) => events.flatMap(event => (event.type === 'text-delta' ? (event.logprobs ?? []) : []))

test('each token has its probability and the likeliest beside it, and at temperature 0 is the first of them', async () => {
  const asked = await answer(shared.client, 'How do I delete a chat?', { ...program, logprobs: 5, tokenIds: true })
  const tokens = scored(asked)
  expect(tokens).toHaveLength(asked.finished.completionTokens)
  expect(tokens.map(({ text }) => text).join('')).toBe(asked.text)
  for (const { top, ...token } of tokens) {
    expect(top[0]).toEqual(token)
    expect(top).toHaveLength(5)
    expect(top).toEqual(top.toSorted((a, b) => b.logprob - a.logprob))
    expect(top.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)).toBeLessThan(1.000_01)
  }
})

test('they are those of the model itself, whatever the answer is sampled with', async () => {
  const first = async (sampling: object) => scored(await answer(shared.client, 'hello', { ...program, logprobs: 20, sampling }))[0]!
  const plain = await first({ temperature: 0, maxTokens: 1 })
  const other = await first({ temperature: 2, topK: 3, minP: 0.2, repeatPenalty: 2, seed: 5, maxTokens: 1 })
  expect(other.top.map(({ id }) => id)).toEqual(plain.top.map(({ id }) => id))
  for (const [index, { logprob }] of other.top.entries()) expect(logprob).toBeCloseTo(plain.top[index]!.logprob, 4)
})

test('with none beside it a token still has its own, also one that is unlikely', async () => {
  const hot = { temperature: 2, topK: 0, topP: 1, minP: 0, seed: 12, maxTokens: 30 }
  const tokens = scored(await answer(shared.client, 'hello', { ...program, logprobs: 0, ignoreEnd: true, sampling: hot }))
  expect(tokens).toHaveLength(30)
  for (const { top, logprob } of tokens) expect([top.length, logprob <= 0 && logprob > -104]).toEqual([0, true])
})

test('nothing of it is told where it was not asked for', async () => {
  const { events } = await answer(shared.client, 'hello', program)
  for (const event of events) expect(event).not.toHaveProperty('logprobs')
})

test('they are the softmax of all logits, though most of them are not read', async () => {
  const request = { path: guide, backend: 'cpu', threads: 1, contextTokens: 256, memoryBytes: null } as const
  const llama = await loadLlama(request, () => {}, new AbortController().signal)
  const { context } = llama
  context.initBatch(1)
  const [row] = context.addToBatch(0, 0, Uint32Array.of(300), Uint32Array.of(0))
  await context.decodeBatch()
  const sampler = llama.createNativeSampler()
  sampler.applyConfig({ temperature: 0, topK: 0, topP: 1, minP: 0, seed: 0 })
  const [, all = []] = await context.sampleToken(row!, sampler, true)
  const logprobs = createLogprobs(llama, 20)
  for (const rank of [0, 7, 100, 255, 256, 1_500]) {
    const [id, probability] = [all[rank * 2]!, all[rank * 2 + 1]!]
    const told = await logprobs.of(id, context, row!)
    expect(told.logprob).toBeCloseTo(Math.log(probability), 3)
    for (const [index, { id, logprob }] of told.top.entries()) {
      expect(id).toBe(all[index * 2])
      expect(logprob).toBeCloseTo(Math.log(all[index * 2 + 1]!), 3)
    }
  }
})
