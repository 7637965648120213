import type { ModelEntry } from '@fusion/shared/contract/model.ts'
import { expect, test } from 'vitest'
import { findModel, modelNames } from './model-names.ts'

/** A model of which only its file and its hash matter here. */
const entry = (path: string, id: string) => ({ id, path }) as ModelEntry

const small = entry('/models/small.Q4_K_M.gguf', 'aaaaaaaa11')
const other = entry('/other/small.Q4_K_M.gguf', 'bbbbbbbb22')
const capital = entry('/models/Large.GGUF', 'cccccccc33')

test('a model is called by its file, without the ending', () => {
  expect([...modelNames([small, capital]).keys()]).toEqual(['small.Q4_K_M', 'Large'])
})

test('of two files with one name, the second has a piece of its hash, and each name finds its own', () => {
  const entries = [small, other]
  expect([...modelNames(entries)]).toEqual([
    ['small.Q4_K_M', small],
    ['small.Q4_K_M-bbbbbbbb', other],
  ])
  expect(findModel(entries, 'small.Q4_K_M')).toEqual({ name: 'small.Q4_K_M', entry: small })
  expect(findModel(entries, 'small.Q4_K_M-bbbbbbbb')).toEqual({ name: 'small.Q4_K_M-bbbbbbbb', entry: other })
})

test('the whole hash finds a model by its name', () => {
  expect(findModel([small, other], other.id)).toEqual({ name: 'small.Q4_K_M-bbbbbbbb', entry: other })
})

test('nothing else is a name: no piece of one, no other case, nothing empty', () => {
  for (const wanted of ['small', 'SMALL.Q4_K_M', 'aaaaaaaa', '', 'small.Q4_K_M.gguf']) expect(findModel([small], wanted)).toBeUndefined()
})
