import type { TurnState } from '@fusion/shared/contract/engine.ts'
import { failure, sentence } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { TurnLine } from './turn-line.tsx'

test('what keeps a begun answer from going on stands under it in the words for that failure', () => {
  const full = Failure.toBody(failure('disk-full'))
  const turn: TurnState = { at: 'paused', answerId: null, fraction: null, queuedIds: [], failure: full }
  const page = renderToStaticMarkup(<TurnLine turn={turn} started />)
  const { what, next } = sentence(full)
  expect(page).toContain(what)
  expect(page).toContain(next)
  expect(renderToStaticMarkup(<TurnLine turn={{ ...turn, failure: null }} started />)).toBe('')
})

test('how far the model is loaded, and the chat read, is told before the first word', () => {
  const turn: TurnState = { at: 'loading-model', answerId: null, fraction: 0.25, queuedIds: [], failure: null }
  expect(renderToStaticMarkup(<TurnLine turn={turn} started={false} />)).toMatch(/Loading the model.*<progress[^>]*value="0.25"/)
  expect(renderToStaticMarkup(<TurnLine turn={{ ...turn, at: 'prefilling' }} started={false} />)).toMatch(/Reading the chat.*value="0.25"/)
})
