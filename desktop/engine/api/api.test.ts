import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Headless, startHeadless } from '../testing/headless.ts'

const KEY = 'a-key-of-the-environment'
const MODEL = 'guide-q4_k_m'
const home = mkdtempSync(join(tmpdir(), 'fusion-api-'))
let engine: Headless
beforeAll(async () => {
  engine = await startHeadless(home, { env: { FUSION_API_KEY: KEY } })
})
afterAll(async () => {
  await engine.end()
  rmSync(home, { recursive: true })
})

const call = (path: string, body?: object, key = KEY) =>
  fetch(`http://127.0.0.1:${engine.port}${path}`, {
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  })
const question = { model: MODEL, messages: [{ role: 'user', content: 'What is Fusion?' }], temperature: 0 }

test('a program asks and is answered, whole and as a stream that says the same', async () => {
  const whole = (await (await call('/v1/chat/completions', question)).json()) as {
    choices: { message: { content: string }; finish_reason: string }[]
    usage: object
  }
  expect(whole).toMatchObject({ object: 'chat.completion', model: MODEL, choices: [{ finish_reason: 'stop' }] })
  const response = await call('/v1/chat/completions', { ...question, stream: true, stream_options: { include_usage: true } })
  const lines = (await response.text()).split('\n\n').filter(line => line !== '')
  expect(lines.pop()).toBe('data: [DONE]')
  const chunks = lines.map(line => JSON.parse(line.slice('data: '.length)) as { choices: { delta: { content?: string } }[]; usage: object })
  expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(whole.choices[0]!.message.content)
  const { prompt_tokens_details: _, ...usage } = whole.usage as Record<string, unknown>
  expect(chunks.at(-1)!.usage).toMatchObject(usage)
})

test('a key that was made is good until it is revoked, and a wrong one never is', async () => {
  const { fusion, close } = await engine.connect()
  const { key, secret } = await fusion.api.makeKey({ name: 'notebook', cloud: false })
  expect((await call('/v1/models', undefined, secret)).status).toBe(200)
  for await (const { keys } of fusion.api.watch({})) {
    expect(keys).toEqual([{ ...key, usedAt: expect.any(Number) }])
    break
  }
  await fusion.api.revokeKey({ id: key.id })
  expect((await call('/v1/models', undefined, secret)).status).toBe(401)
  close()
})

test('a prompt is counted as it will be computed, and text by itself', async () => {
  const { messages } = question
  const told = (await (await call('/tokenize', { model: MODEL, messages })).json()) as { count: number; max_model_len: number }
  const { usage } = (await (await call('/v1/chat/completions', { ...question, max_tokens: 1 })).json()) as {
    usage: { prompt_tokens: number }
  }
  expect(told.count).toBe(usage.prompt_tokens)
  expect(told.max_model_len).toBeGreaterThan(told.count)
  const words = (await (await call('/tokenize', { model: MODEL, prompt: 'What is Fusion?' })).json()) as { count: number }
  expect(words.count).toBeLessThan(told.count)
  expect((await call('/tokenize', { model: MODEL })).status).toBe(400)
})

test('an answer is gone on from where it stopped', async () => {
  type Body = { choices: { message: { content: string } }[] }
  const whole = ((await (await call('/v1/chat/completions', question)).json()) as Body).choices[0]!.message.content
  const start = whole.slice(0, whole.indexOf(' ', 10))
  const messages = [...question.messages, { role: 'assistant', content: start }]
  const options = { continue_final_message: true, add_generation_prompt: false }
  const rest = ((await (await call('/v1/chat/completions', { ...question, messages, ...options })).json()) as Body).choices[0]!.message
    .content
  expect(start + rest).toBe(whole)
  expect((await call('/v1/chat/completions', { ...question, continue_final_message: true })).status).toBe(400)
})
