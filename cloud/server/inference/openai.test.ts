// The official packages of OpenAI for Node and Python are the judges; the model server is the desktop's own engine with the model that comes with it.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ModelServer as OwnServer, startModelServer } from '../embedded/model-server.ts'
import { chatClient, question, textOf } from '../testing/chat-client.ts'
import { findPython } from '../testing/python-packages.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

const GUIDE = 'guide-q4_k_m'
const ask = { model: GUIDE, messages: [{ role: 'user' as const, content: 'How do I delete a chat?' }], temperature: 0 }
const ANSWER = 'Open the menu of the chat and choose Delete. You can undo it at once. After that it is really removed from the disk.'

const folder = mkdtempSync(join(tmpdir(), 'fusion-own-server-'))
let server: OwnServer
let cloud: TestCloud
let token: string
let client: OpenAI

beforeAll(async () => {
  server = await startModelServer({ folder })
  const { url, apiKey } = server
  cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify([{ url, apiKey }]) } })
  await cloud.parts.models.looked
  token = await cloud.signIn()
  client = new OpenAI({ baseURL: `${cloud.url}/v1`, apiKey: token, maxRetries: 0 })
})
afterAll(async () => {
  await cloud.close()
  await server.close()
  rmSync(folder, { recursive: true })
})

/** Requests that the model server is computing. */
async function running(): Promise<number> {
  const reply = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.apiKey}` } })
  return Number(/^vllm:num_requests_running\{[^}]*\} (\d+)/m.exec(await reply.text())?.[1] ?? 0)
}

test('models are listed, and one is found by its name', async () => {
  const names: string[] = []
  for await (const { id } of client.models.list()) names.push(id)
  expect(names).toEqual([GUIDE])
  expect(await client.models.retrieve(GUIDE)).toMatchObject({ id: GUIDE, object: 'model' })
  await expect(client.models.retrieve('another')).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
})

test('a question is answered, whole and as a stream', async () => {
  const whole = await client.chat.completions.create(ask)
  expect(whole.choices[0]!.message.content).toBe(ANSWER)
  const chunks: OpenAI.ChatCompletionChunk[] = []
  for await (const chunk of await client.chat.completions.create({ ...ask, stream: true })) chunks.push(chunk)
  expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(ANSWER)
  // Counted for the ledger; whoever did not ask for usage is not sent it.
  expect(chunks.every(({ choices }) => choices.length === 1)).toBe(true)
  const counted = []
  for await (const chunk of await client.chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } }))
    counted.push(chunk)
  expect(counted.at(-1)!.usage).toMatchObject({
    completion_tokens: whole.usage!.completion_tokens,
    prompt_tokens: whole.usage!.prompt_tokens,
  })
})

test('completions and responses are answered too, and embeddings are refused in words', async () => {
  const completion = await client.completions.create({ model: GUIDE, prompt: 'Fusion is', max_tokens: 4, temperature: 0 })
  expect(completion.usage!.completion_tokens).toBe(4)
  const response = await client.responses.create({ model: GUIDE, input: 'How do I delete a chat?', temperature: 0 })
  expect(response.output_text).toBe(ANSWER)
  let text = ''
  for await (const event of await client.responses.create({ model: GUIDE, input: 'How do I delete a chat?', temperature: 0, stream: true }))
    if (event.type === 'response.output_text.delta') text += event.delta
  expect(text).toBe(ANSWER)
  await expect(client.embeddings.create({ model: GUIDE, input: 'x' })).rejects.toMatchObject({ status: 501 })
})

test('closing the connection ends the computing', async () => {
  const stream = await client.chat.completions.create({
    ...ask,
    stream: true,
    ignore_eos: true,
  } as OpenAI.ChatCompletionCreateParamsStreaming)
  for await (const _ of stream) break
  await expect.poll(running).toBe(0)
})

test('what is wrong with a request is told with the status and the words of whoever found it', async () => {
  await expect(client.chat.completions.create({ ...ask, model: 'another' })).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
  await expect(client.chat.completions.create({ ...ask, temperature: 9 })).rejects.toMatchObject({ status: 400 })
  await expect(new OpenAI({ baseURL: `${cloud.url}/v1`, apiKey: 'wrong', maxRetries: 0 }).models.list()).rejects.toMatchObject({
    status: 401,
  })
})

// Installing the package takes its time, once.
test("OpenAI's package for Python finds all as it should be", { timeout: 300_000 }, async ({ skip }) => {
  const judge = join(import.meta.dirname, '../testing/openai')
  const found = findPython(join(judge, 'requirements.txt'))
  if ('missing' in found) return process.env['CI'] ? expect.fail(found.missing) : skip(found.missing)
  const env = {
    ...process.env,
    OPENAI_BASE_URL: `${cloud.url}/v1`,
    OPENAI_API_KEY: token,
    JUDGED_MODEL: GUIDE,
    JUDGED_QUESTION: 'How do I delete a chat?',
    JUDGED_ANSWER: ANSWER,
    PYTHONDONTWRITEBYTECODE: '1',
  }
  const failed = await new Promise<string | null>(resolve => {
    execFile(found.python, ['openai_judge.py'], { env, cwd: judge }, (error, _, stderr) => resolve(error && stderr))
  })
  expect(failed).toBeNull()
})

test('a chat is answered by the same model, with the prompt counted by its own tokenizer', async () => {
  const request = question(GUIDE, {
    prompt: { messages: [{ role: 'user', text: 'How do I delete a chat?' }] },
    sampling: { temperature: 0 },
  })
  const events = await (await chatClient(cloud.url, token).ask(request)).rest()
  expect(textOf(events)).toBe(ANSWER)
  const end = events.at(-1)!.event
  const count = events.find(({ event }) => event.type === 'prompt-count')!.event
  expect(end.type === 'generation-finish' && end.usage.promptTokens).toBe(count.type === 'prompt-count' && count.promptTokens)
})
