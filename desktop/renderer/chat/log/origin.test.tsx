import type { Message, Segment } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { Origin } from './origin.tsx'

const piece: Segment = {
  from: 0,
  place: 'desk',
  reason: 'only-local',
  modelId: 'guide',
  modelName: 'Guide',
  quantization: 'Q4_K_M',
  backend: 'cpu',
  promptTokens: 10,
  cachedTokens: 0,
  completionTokens: 100,
  firstTokenMs: 20,
  tokensPerSecond: 50,
}

function messageOf(...segments: Partial<Segment>[]): Message {
  return {
    id: newId(),
    conversationId: newId(),
    parentId: null,
    role: 'assistant',
    parts: [],
    status: 'complete',
    segments: segments.map((segment, index) => ({ ...piece, from: index * 10, ...segment })),
    finishReason: 'stop',
    failure: null,
    leftOut: null,
    createdAt: 0,
  }
}

function shown(...segments: Partial<Segment>[]): string[] {
  const page = renderToStaticMarkup(<Origin message={messageOf(...segments)} />)
  return [...page.matchAll(/<b>(.*?)<\/b><span>(.*?)<\/span>/g)].map(([, place, rest]) => `${place}: ${rest}`)
}

test('an answer that went on at the same place is said to be made there once, at the speed of the whole', () => {
  expect(shown({}, { completionTokens: 100, tokensPerSecond: 25 })).toEqual(['This computer: Guide Q4_K_M · 33 tok/s'])
})

test('where the cloud chose the model, the title says why', () => {
  const modelReason = { code: 'cheaper', model: 'Guide', than: 'Large', cost: 1, costThan: 2 } as const
  expect(renderToStaticMarkup(<Origin message={messageOf({ place: 'cloud', modelReason })} />)).toContain(
    'title="Guide suits this as well as Large, and costs less.\n',
  )
})

test('of an earlier answer the title says that little was left of a budget', () => {
  const budgetWarning = { whose: 'person', measure: 'tokens-a-month', usedShare: 0.93 }
  expect(renderToStaticMarkup(<Origin message={messageOf({ place: 'cloud', budgetWarning })} />)).toContain(
    '93 % of your tokens for this month are used.',
  )
})

test('each change of model and place is said', () => {
  expect(shown({}, { modelId: 'qwen', modelName: 'Qwen' }, { modelId: 'qwen', modelName: 'Qwen', place: 'cloud' })).toEqual([
    'This computer: Guide Q4_K_M · 50 tok/s',
    'This computer: Qwen Q4_K_M · 50 tok/s',
    'Cloud: Qwen Q4_K_M · 50 tok/s',
  ])
})
