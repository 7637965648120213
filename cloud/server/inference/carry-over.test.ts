// What of a request is carried to the server that goes on, parameter by parameter.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MOCK_MODEL, type MockRequest } from '../../testing/mock-vllm.ts'
import { type MockPool, startMockPool } from '../testing/mock-pool.ts'
import { parameters, refusedParameter, restOf } from './continuation.ts'

let pool: MockPool
let client: OpenAI
/** After so many tokens the first server breaks off; undefined: it does not. */
let cut: number | undefined

beforeAll(async () => {
  const fault = ({ body }: MockRequest) => {
    if (cut === undefined || Array.isArray(body['prompt'])) return undefined
    return { kind: 'drop' as const, at: cut }
  }
  pool = await startMockPool({ servers: 4, options: () => ({ fault }) })
  client = new OpenAI({ baseURL: `${pool.cloud.url}/v1`, apiKey: pool.token, maxRetries: 0 })
})
afterAll(() => pool.close())

const base = { model: MOCK_MODEL, messages: [{ role: 'user' as const, content: 'Which words follow?' }], temperature: 0, max_tokens: 14 }

async function ask(more: object): Promise<{ text: string; finish: string | null; tokens: number | undefined; error?: unknown }> {
  let text = ''
  let finish: string | null = null
  let tokens: number | undefined
  try {
    const asked = { ...base, stream_options: { include_usage: true }, ...more, stream: true } as OpenAI.ChatCompletionCreateParamsStreaming
    for await (const chunk of await client.chat.completions.create(asked)) {
      text += chunk.choices[0]?.delta.content ?? ''
      finish = chunk.choices[0]?.finish_reason ?? finish
      tokens = chunk.usage?.completion_tokens ?? tokens
    }
    return { text, finish, tokens }
  } catch (error) {
    return { text, finish, tokens, error: (error as { error?: { code?: string; message?: string } }).error }
  }
}

const allUp = () => expect.poll(() => pool.cloud.parts.models.servers().filter(({ up }) => up).length).toBeGreaterThan(1)
const lastGoOn = () => pool.mocks.flatMap(({ asked }) => asked).findLast(({ body }) => Array.isArray(body['prompt']))?.body

test('what means the same is sent as it was, limits are what is left of them, and what shaped the prompt is in its tokens', async () => {
  cut = undefined
  const same = {
    top_p: 0.9,
    top_k: 5,
    min_p: 0.01,
    repetition_penalty: 1.1,
    logit_bias: { 5: 1 },
    stop_token_ids: [9999],
    skip_special_tokens: true,
  }
  const more = {
    ...same,
    min_tokens: 6,
    chat_template_kwargs: { x: 1 },
    metadata: { a: 'b' },
    parallel_tool_calls: true,
    n: 1,
    presence_penalty: 0,
  }
  const whole = await ask(more)
  cut = 2
  await allUp()
  expect(await ask(more)).toEqual(whole)
  const body = lastGoOn()!
  expect(body).toMatchObject({ ...same, min_tokens: 4, max_tokens: 12, temperature: 0 })
  for (const name of ['chat_template_kwargs', 'metadata', 'n', 'presence_penalty', 'messages', 'parallel_tool_calls'])
    expect(body).not.toHaveProperty(name)
})

test('a stop string that lies across the cut ends the answer where it would have ended it', async () => {
  cut = undefined
  const undisturbed = await ask({})
  // From the middle of one word into the middle of another one.
  const stop = undisturbed.text.slice(16, 23)
  const whole = await ask({ stop })
  expect(whole).toMatchObject({ text: undisturbed.text.slice(0, undisturbed.text.indexOf(stop)), finish: 'stop' })
  for (let at = 1; at < whole.tokens!; at++) {
    cut = at
    await allUp()
    expect({ at, ...(await ask({ stop: [stop, 'never said'] })) }).toEqual({ at, ...whole })
  }
  cut = 3
  await allUp()
  expect(await ask({ stop: 'never said' })).toEqual(undisturbed)
})

const refused: [string, object][] = [
  ['presence_penalty', { presence_penalty: 0.5 }],
  ['frequency_penalty', { frequency_penalty: 0.5 }],
  ['seed', { seed: 7, temperature: 0.5 }],
  ['logprobs', { logprobs: true }],
  ['response_format', { response_format: { type: 'json_object' } }],
  ['structured_outputs', { structured_outputs: { choice: ['a', 'b'] } }],
  ['tools', { tools: [{ type: 'function', function: { name: 'a', parameters: {} } }] }],
  ['bad_words', { bad_words: ['chat'] }],
  ['stop', { stop: 'never said', min_tokens: 9 }],
  ['unheard_of', { unheard_of: 1 }],
]

test.each(refused)('with %s the answer ends with an error that names it, after what was made', async (parameter, more) => {
  cut = undefined
  const whole = await ask(more)
  cut = 5
  await allUp()
  const told = await ask(more)
  expect(told.error).toMatchObject({ code: 'answer_not_continued', message: expect.stringContaining(parameter) })
  expect(whole.text.startsWith(told.text)).toBe(true)
  if (parameter !== 'stop') expect(told.text).not.toBe('')
})

test('what has no effect is carried: each at its neutral value, a seed without draws, tools that are not called, and nothing at all', () => {
  const neutral = {
    presence_penalty: 0,
    frequency_penalty: 0,
    n: 1,
    best_of: 1,
    echo: false,
    logprobs: false,
    response_format: { type: 'text' },
  }
  expect(
    refusedParameter({ ...neutral, seed: 5, temperature: 0, tools: [{}], tool_choice: 'none', bad_words: [], unheard_of: null }),
  ).toBeUndefined()
  expect(refusedParameter({ seed: 5 })).toBe('seed')
  expect(refusedParameter({ n: 2 })).toBe('n')
  expect(refusedParameter({ constructor: 1 })).toBe('constructor')
  expect(restOf({ max_completion_tokens: 10, min_tokens: 2, temperature: 1 }, 4)).toEqual({ max_tokens: 6, min_tokens: 0, temperature: 1 })
})

test('docs/routing.md shows the whole table', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../../docs/routing.md'), 'utf8')
  const section = docs.slice(docs.indexOf('### Parameters'), docs.indexOf('### Where it is told'))
  const rows = [...section.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(([, names]) =>
    [...names!.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  )
  expect(new Set(rows)).toEqual(new Set(Object.keys(parameters)))
})
