// The mock of vLLM held against the real one: what it says, in which form and order, and what it counts. Only how long it takes is its own.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type MockVllm, startMockVllm } from '../../testing/mock-vllm.ts'
import { startVllm, type Vllm, VLLM_MODEL, vllmIsHere } from '../testing/vllm/vllm.ts'

interface Chunk {
  choices: {
    delta?: { role?: string; content?: string | null }
    text?: string
    finish_reason: string | null
    token_ids?: number[] | null
    prompt_token_ids?: number[] | null
  }[]
  prompt_token_ids?: number[] | null
  usage?: { prompt_tokens: number; completion_tokens: number; prompt_tokens_details?: { cached_tokens: number } | null } | null
}

describe.skipIf(!vllmIsHere())('the mock beside real vLLM', () => {
  let real: Vllm
  let mock: MockVllm
  let blockTokens: number
  beforeAll(async () => {
    real = await startVllm({ more: ['--enable-prompt-tokens-details'] })
    const figures = await (await fetch(`${real.url}/metrics`)).text()
    // 16 tokens on GPUs, more on CPUs.
    blockTokens = Number(/cache_config_info\{[^}]*block_size="(\d+)"/.exec(figures)![1])
    mock = await startMockVllm({ model: VLLM_MODEL, window: 1024, shape: { blockTokens } })
  }, 600_000)
  afterAll(async () => {
    await real.close()
    await mock.close()
  })

  const post = (url: string, path: string, body: object) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${real.apiKey}` },
      body: JSON.stringify(body),
    })
  const both = async <T>(ask: (url: string) => Promise<T>): Promise<{ ofReal: T; ofMock: T }> => ({
    ofReal: await ask(real.url),
    ofMock: await ask(mock.url),
  })
  async function chunksOf(url: string, path: string, body: object): Promise<{ chunks: Chunk[]; done: boolean }> {
    const text = await (await post(url, path, { ...body, stream: true })).text()
    const data = text
      .split('\n')
      .filter(line => line.startsWith('data: '))
      .map(line => line.slice(6))
    return { chunks: data.filter(line => line !== '[DONE]').map(line => JSON.parse(line) as Chunk), done: data.at(-1) === '[DONE]' }
  }

  const chat = {
    model: VLLM_MODEL,
    messages: [{ role: 'user', content: 'Which words follow?' }],
    temperature: 0,
    max_tokens: 12,
    ignore_eos: true,
  }
  const completion = { model: VLLM_MODEL, prompt: 'Which words follow?', temperature: 0, max_tokens: 12, ignore_eos: true }

  /** Every place in an object, with the kind of what stands there. */
  function placesOf(value: unknown, at = ''): string[] {
    if (Array.isArray(value)) return value.length > 0 && typeof value[0] === 'object' ? placesOf(value[0], `${at}[]`) : [`${at} list`]
    if (typeof value !== 'object' || value === null) return [`${at} ${value === null ? 'null' : typeof value}`]
    return Object.entries(value).flatMap(([name, one]) => placesOf(one, `${at}.${name}`))
  }

  test.each([
    ['/v1/chat/completions', chat],
    ['/v1/completions', completion],
  ])('%s: every place of its chunks is one of vLLM, with the same kind of value, in the same order', async (path, body) => {
    for (const more of [{}, { return_token_ids: true }, { return_token_ids: true, stream_options: { include_usage: true } }]) {
      const { ofReal, ofMock } = await both(url => chunksOf(url, path, { ...body, ...more }))
      expect([ofMock.done, ofReal.done]).toEqual([true, true])
      const kinds = ({ chunks }: typeof ofReal) =>
        chunks.map(({ choices: [choice], usage }) =>
          usage ? 'usage' : choice?.delta?.role ? 'role' : choice?.finish_reason ? 'finish' : 'text',
        )
      // One after the other: the beginning, text, the end, the count.
      const order = (told: typeof ofReal) => kinds(told).filter((kind, index, all) => kind !== all[index - 1])
      expect(order(ofMock)).toEqual(order(ofReal))
      for (const kind of new Set(kinds(ofMock))) {
        const places = (told: typeof ofReal) =>
          new Set(told.chunks.filter((_, index) => kinds(told)[index] === kind).flatMap(chunk => placesOf(chunk)))
        const known = places(ofReal)
        expect([path, kind, [...places(ofMock)].filter(place => !known.has(place))]).toEqual([path, kind, []])
      }
    }
  })

  test('token ids of the prompt come once, with the first chunk; those of the answer are as many as it made', async () => {
    for (const [path, body] of [
      ['/v1/chat/completions', chat],
      ['/v1/completions', completion],
    ] as const) {
      const asked = { ...body, return_token_ids: true, stream_options: { include_usage: true } }
      const { ofReal, ofMock } = await both(url => chunksOf(url, path, asked))
      for (const { chunks } of [ofReal, ofMock]) {
        const prompts = chunks.map(({ prompt_token_ids: ids, choices }) => ids ?? choices[0]?.prompt_token_ids).map(ids => ids?.length ?? 0)
        const usage = chunks.at(-1)!.usage!
        expect(prompts.filter(length => length > 0)).toEqual([usage.prompt_tokens])
        expect(prompts[0]).toBe(usage.prompt_tokens)
        expect(chunks.flatMap(({ choices }) => choices[0]?.token_ids ?? []).length).toBe(usage.completion_tokens)
        expect(usage.completion_tokens).toBe(12)
      }
    }
  })

  test('an answer that goes on from its tokens is the same, and so is one that is asked for again', async () => {
    const { ofReal, ofMock } = await both(async url => {
      const { chunks } = await chunksOf(url, '/v1/chat/completions', { ...chat, return_token_ids: true })
      const ids = chunks.flatMap(({ choices }) => choices[0]?.token_ids ?? [])
      const prompt = [...chunks[0]!.prompt_token_ids!, ...ids.slice(0, 5)]
      const rest = await chunksOf(url, '/v1/completions', { ...completion, prompt, max_tokens: 7, return_token_ids: true })
      return [ids.slice(5), rest.chunks.flatMap(({ choices }) => choices[0]?.token_ids ?? [])]
    })
    for (const [whole, rest] of [ofReal, ofMock]) expect(rest).toEqual(whole)
  })

  test('of a prompt that was read before, the same blocks are cached, and none of another salt', async () => {
    const tokens = (length: number) => Array.from({ length }, (_, index) => 5 + ((index * 7) % 90))
    const cached = async (url: string, length: number, salt: string) => {
      const body = { ...completion, prompt: tokens(length), max_tokens: 1, cache_salt: salt }
      const { usage } = (await (await post(url, '/v1/completions', body)).json()) as Chunk
      return usage?.prompt_tokens_details?.cached_tokens ?? 0
    }
    const of = (blocks: number, more = 0) => blocks * blockTokens + more
    for (const length of [of(1, -1), of(1), of(1, 1), of(2), of(2, 1), of(3, 9), of(4)]) {
      const { ofReal, ofMock } = await both(async url => [
        await cached(url, length, `salt ${length}`),
        await cached(url, length, `salt ${length}`),
        await cached(url, length, `another ${length}`),
        await cached(url, length + 20, `salt ${length}`),
      ])
      expect([length, ofMock]).toEqual([length, ofReal])
    }
  })

  test('stop strings hold text back as far, and end the answer before them', async () => {
    const { ofReal, ofMock } = await both(async url => {
      const whole = await chunksOf(url, '/v1/completions', completion)
      const text = whole.chunks.map(({ choices }) => choices[0]?.text ?? '').join('')
      const stop = text.slice(4, 8)
      const stopped = await chunksOf(url, '/v1/completions', { ...completion, stop: [stop] })
      const never = await chunksOf(url, '/v1/completions', { ...completion, stop: ['\u0007\u0007\u0007\u0007'] })
      const beforeEnd = never.chunks
        .slice(0, -1)
        .map(({ choices }) => choices[0]?.text ?? '')
        .join('')
      return {
        cut: stopped.chunks.map(({ choices }) => choices[0]?.text ?? '').join('') === text.slice(0, text.indexOf(stop)),
        finish: stopped.chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? []),
        same: never.chunks.map(({ choices }) => choices[0]?.text ?? '').join('') === text,
        heldBack: beforeEnd.length < text.length,
      }
    })
    expect(ofMock).toEqual(ofReal)
    expect(ofReal).toMatchObject({ cut: true, finish: ['stop'], same: true })
  })

  test('it refuses what vLLM refuses, with the same status', async () => {
    const cases: [string, object][] = [
      ['/v1/chat/completions', { ...chat, model: 'another' }],
      ['/v1/chat/completions', { ...chat, messages: [{ role: 'user', content: 'x '.repeat(3000) }] }],
      ['/v1/completions', { ...completion, max_tokens: 5000 }],
      ['/v1/embeddings', { model: VLLM_MODEL, input: 'x' }],
      ['/sleep', {}],
    ]
    for (const [path, body] of cases) {
      const { ofReal, ofMock } = await both(async url => (await post(url, path, body)).status)
      if (path !== '/sleep') expect([path, ofMock]).toEqual([path, ofReal])
      // Only with its development mode.
      else expect(ofReal).toBe(404)
    }
  })

  test('tokens are counted and written out in the same form', async () => {
    const counted = await both(async url => {
      const reply = (await (await post(url, '/tokenize', { model: VLLM_MODEL, messages: chat.messages })).json()) as {
        tokens: number[]
        count: number
        max_model_len: number
      }
      const text = (await (await post(url, '/detokenize', { model: VLLM_MODEL, tokens: reply.tokens })).json()) as { prompt: string }
      return {
        isCount: reply.count === reply.tokens.length,
        window: reply.max_model_len,
        hasText: text.prompt.includes('Which words follow?'),
      }
    })
    expect(counted.ofMock).toEqual(counted.ofReal)
  })

  test('each of its figures is one of vLLM, with its labels and its kind', async () => {
    const figures = async (url: string) => {
      const text = await (await fetch(`${url}/metrics`)).text()
      const lines = text.split('\n').filter(line => line.startsWith('vllm:') || line.startsWith('# TYPE vllm:'))
      return lines.map(line => {
        if (line.startsWith('#')) return line
        const [, name, labels = ''] = /^([\w:]+)(?:\{(.*)\})?/.exec(line)!
        return `${name} ${[...labels.matchAll(/(\w+)=/g)].map(([, label]) => label).join()}`
      })
    }
    const { ofReal, ofMock } = await both(figures)
    const known = new Set(ofReal)
    expect(ofMock.filter(one => !known.has(one) && !one.startsWith('vllm:cache_config_info'))).toEqual([])
    // It has many labels more; those that we read are there.
    const told = ofReal.find(line => line.startsWith('vllm:cache_config_info'))!
    for (const label of ['block_size', 'num_gpu_blocks']) expect(told).toContain(label)
  })
})
