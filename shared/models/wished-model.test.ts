import { expect, test } from 'vitest'
import type { ModelEntry } from '../contract/model.ts'
import { wishedModel } from './wished-model.ts'

const model = (id: string, source: ModelEntry['source'], parameters: number, at: 'cold' | 'loading' = 'cold'): ModelEntry => ({
  id,
  source,
  path: `/models/${id}.gguf`,
  state: at === 'cold' ? { at } : { at, fraction: 0 },
  file: { name: id, architecture: 'llama', quantization: 'Q4_K_M', parameters, trainedContextTokens: 2048, hasTemplate: true, bytes: 1 },
})
const loaded = { contextTokens: 1, sequences: 1, backend: 'cpu', memoryBytes: 1, stateBytesPerToken: 1, template: 'file' } as const
const ready = (entry: ModelEntry): ModelEntry => ({ ...entry, state: { at: 'ready', loaded } })
const guide = model('guide', 'bundled', 5)
const small = model('small', 'found', 10)
const large = model('large', 'added', 100)

test('the chat is answered by what it wishes for, then by the default, then by the largest model of the person', () => {
  const entries = [guide, small, large]
  expect(wishedModel('small', 'large', entries)).toBe('small')
  expect(wishedModel(null, 'small', entries)).toBe('small')
  expect(wishedModel(null, null, entries)).toBe('large')
})

test('a model that is ready goes before a larger one that would have to be loaded, but the guide never before one of the person', () => {
  expect(wishedModel(null, null, [ready(guide), ready(small), large])).toBe('small')
  expect(wishedModel(null, null, [ready(guide), large])).toBe('large')
})

test('a wish for a model that is gone is kept, so that no other model answers silently; a default that is gone is not', () => {
  expect(wishedModel('gone', null, [guide])).toBe('gone')
  expect(wishedModel(null, 'gone', [guide])).toBe('guide')
  expect(wishedModel(null, null, [])).toBeUndefined()
})
