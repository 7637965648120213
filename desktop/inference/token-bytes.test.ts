import { beforeAll, expect, test } from 'vitest'
import { loadLlama, type LoadedLlama } from './llama.ts'
import { guide } from './testing/inference.ts'

let llama: LoadedLlama
beforeAll(async () => {
  const request = { path: guide, backend: 'cpu', threads: 1, contextTokens: 256, memoryBytes: null } as const
  llama = await loadLlama(request, () => {}, new AbortController().signal)
})

test('the bytes of tokens are those of the text that they make', () => {
  const text = 'Zürich: 中文输入, emoji 🙂👩‍👩‍👧‍👦\n\tand\u00a0"quotes" \\ €'
  const tokens = Array.from(llama.native.tokenize(text, false))
  expect(Buffer.concat(tokens.map(llama.tokenBytes)).toString()).toBe(text)
  for (let token = 0; token < 2048; token++) {
    const written = llama.native.detokenize(Uint32Array.of(token), false)
    // llama.cpp takes blanks away before signs.
    if (/^ ?[a-z]+$/i.test(written)) expect(llama.tokenBytes(token).toString(), `${token}`).toBe(written)
  }
})

test('a control token is named', () => {
  const [token] = llama.native.tokenize('<|end|>', true)
  expect(llama.tokenBytes(token!).toString()).toBe('<|end|>')
})
