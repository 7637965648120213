import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  answer,
  endlessProcess,
  endProcess,
  loadModel,
  processOfTest,
  startProcess,
  stream,
  type Answer,
  type TestProcess,
} from './testing/inference.ts'

const DELETE = 'How do I delete a chat?'
const program = { chatId: null, priority: 1 } as const

let shared: TestProcess
beforeAll(async () => {
  shared = startProcess()
  await loadModel(shared.client)
})
afterAll(() => endProcess(shared))

const told = ({ events }: Answer) => events.flatMap(event => (event.type === 'text-delta' ? (event.tokenIds ?? []) : []))

test('a program that sends its conversation again computes only what is new', async () => {
  const first = await answer(shared.client, DELETE, program)
  for (let other = 0; other < 3; other++) await answer(shared.client, `Another program asks ${other}`, program)
  const turns = [
    { role: 'user', text: DELETE },
    { role: 'assistant', text: first.text },
    { role: 'user', text: 'hello' },
  ] as const
  const second = await answer(shared.client, [...turns], program)
  expect(second.prompt.cachedTokens).toBe(first.prompt.promptTokens + first.finished.completionTokens)
})

test('many more programs than places are all answered, and a chat beside them as ever', async () => {
  const alone = await answer(shared.client, DELETE, { chatId: 'beside' })
  const programs = Array.from({ length: 40 }, (_, index) =>
    answer(shared.client, `${index} is my number`, { ...program, sampling: { maxTokens: 8 } }),
  )
  const again = await answer(shared.client, DELETE, { chatId: 'beside' })
  expect(again.text).toBe(alone.text)
  for (const { finished } of await Promise.all(programs)) expect(finished.completionTokens).toBeGreaterThan(0)
})

test('one program after another leaves the chats in memory', async () => {
  const { client } = processOfTest()
  await loadModel(client)
  await answer(client, DELETE, { chatId: 'stays' })
  for (let index = 0; index < 12; index++) await answer(client, `${index} is my number`, { ...program, sampling: { maxTokens: 2 } })
  const again = await answer(client, DELETE, { chatId: 'stays' })
  expect(again.prompt.cachedTokens).toBe(again.prompt.promptTokens - 1)
})

test('programs wait in the order they came, and a person before them', async () => {
  const { client } = processOfTest()
  const { sequences } = await loadModel(client, { contextTokens: 512, memoryBytes: 45_000_000 })
  const order: string[] = []
  const ask = async (name: string, options: object, maxTokens = 1) => {
    for await (const event of stream(client, name, { ...options, sampling: { temperature: 0, maxTokens } })) {
      if (event.type === 'prompt-ready') order.push(name)
    }
  }
  const first = Array.from({ length: sequences }, (_, index) => ask(`first ${index}`, program, 20))
  await Promise.all([...first, ask('second', program), ask('third', program), ask('person', { chatId: 'person' }), ask('fourth', program)])
  expect(order.slice(-3)).toEqual(['second', 'third', 'fourth'])
})

test('a text of `stop` ends the answer, wherever tokens cut it, and nothing of it is told', async () => {
  const whole = await answer(shared.client, DELETE, { ...program, tokenIds: true })
  const [before, word] = [whole.text.slice(0, 20), whole.text.slice(20, 31)]
  expect(whole.text.indexOf(word)).toBe(20)
  const cut = await answer(shared.client, DELETE, { ...program, tokenIds: true, stop: ['never there', word] })
  expect(cut.text).toBe(before)
  expect(cut.finished).toMatchObject({ reason: 'stop', stopText: word })
  expect(told(whole).slice(0, told(cut).length)).toEqual(told(cut))
  expect(told(cut).length).toBeLessThan(cut.finished.completionTokens)
  // What only begins like it is told in the end.
  const missed = await answer(shared.client, DELETE, { ...program, stop: [`${whole.text.slice(-3)}!`] })
  expect(missed.text).toBe(whole.text)
  expect(missed.finished).not.toHaveProperty('stopText')
})

test('an answer that is ended while a part of it is held back is no other in the next prompt', async () => {
  const { client } = await endlessProcess()
  const whole = await answer(client, DELETE, { ...program, sampling: { temperature: 0, maxTokens: 300 } })
  const said = whole.text.slice(0, 20)
  const prompt = { messages: [{ role: 'assistant' as const, text: said }] }
  const before = await client.tokens.count(prompt)
  const gone = new AbortController()
  // All that follows could still become the text that stops it.
  const stop = [`${whole.text.slice(20, 900)}!`]
  const cut = answer(client, DELETE, { ...program, stop, signal: gone.signal })
  const isHeld = async () => {
    const { running, usedTokens } = await client.process.stats({})
    return running === 1 && usedTokens > whole.prompt.promptTokens + 20
  }
  await expect.poll(isHeld, { interval: 5 }).toBe(true)
  gone.abort()
  await expect(cut).rejects.toMatchObject({ code: 'cancelled' })
  expect(await client.tokens.count(prompt)).toEqual(before)
})

test('the ids of prompt and answer are told, as many as are counted, and make the same answer again', async () => {
  const turns = await answer(shared.client, DELETE, { ...program, tokenIds: true })
  expect(turns.prompt.tokenIds).toHaveLength(turns.prompt.promptTokens)
  expect(told(turns)).toHaveLength(turns.finished.completionTokens)
  for (const event of turns.events) if (event.type === 'text-delta') expect(event.tokenIds).toHaveLength(event.tokens)
  const raw = await answer(shared.client, { raw: turns.prompt.tokenIds! }, { ...program, tokenIds: true })
  expect([raw.text, told(raw)]).toEqual([turns.text, told(turns)])
})

test('a prompt without turns is read with its control tokens', async () => {
  const { prompt } = await answer(shared.client, DELETE, { ...program, tokenIds: true })
  const written = `<|bos|><|user|>${DELETE}<|end|><|assistant|>`
  const raw = await answer(shared.client, { raw: written }, { ...program, tokenIds: true })
  expect(raw.prompt.tokenIds).toEqual(prompt.tokenIds)
  expect((await answer(shared.client, { raw: '' }, { ...program, sampling: { maxTokens: 1 } })).prompt.promptTokens).toBe(1)
})

test('a token that the model does not have is refused, and harms nobody', async () => {
  const refused = expect(answer(shared.client, { raw: [1, 2, 4_000_000_000] }, program)).rejects
  await refused.toMatchObject({ code: 'token-unknown', detail: { token: 4_000_000_000 } })
  expect((await answer(shared.client, { raw: [1, 2, 2047] }, { ...program, sampling: { maxTokens: 3 } })).prompt.promptTokens).toBe(3)
})

test("with `ignoreEnd` the model's own end does not end the answer", async () => {
  const usual = await answer(shared.client, DELETE, program)
  const maxTokens = usual.finished.completionTokens + 20
  const { finished, text } = await answer(shared.client, DELETE, { ...program, ignoreEnd: true, sampling: { temperature: 0, maxTokens } })
  expect(finished).toMatchObject({ reason: 'length', completionTokens: maxTokens })
  expect(text.startsWith(usual.text)).toBe(true)
})
