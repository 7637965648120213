import type { GenerateEvent } from '@fusion/shared/contract/inference.ts'
import { expect, test } from 'vitest'
import { createResponseOutput } from './response-output.ts'

const text = (text: string, part: 'text' | 'reasoning' = 'text'): GenerateEvent => ({ type: 'text-delta', part, text, tokens: 1 })
const calls = (index: number, name: string, ...pieces: string[]): GenerateEvent[] => [
  { type: 'tool-call-started', index, id: `call_${index}`, name },
  ...pieces.map((piece): GenerateEvent => ({ type: 'tool-call-delta', index, arguments: piece, tokens: 1 })),
]

/** What a client sees of these events: each of the output's own, and the items at the end. */
async function output(events: readonly GenerateEvent[], end: 'completed' | 'incomplete' = 'completed') {
  const told: { type: string; output_index?: number; [field: string]: unknown }[] = []
  // As it is at that moment, since items grow.
  const output = createResponseOutput(async (type, fields) => void told.push(JSON.parse(JSON.stringify({ type, ...fields }))))
  for (const event of events) await output.take(event)
  await output.close(end)
  return { told, items: output.items, types: told.map(({ type, output_index: index }) => `${index} ${type.replace('response.', '')}`) }
}

test('a text is told piece by piece, and whole at its end', async () => {
  const { told, items, types } = await output([text('Two '), text('minutes.')])
  expect(types).toEqual([
    '0 output_item.added',
    '0 content_part.added',
    '0 output_text.delta',
    '0 output_text.delta',
    '0 output_text.done',
    '0 content_part.done',
    '0 output_item.done',
  ])
  const message = { type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'Two minutes.' }] }
  expect(items).toMatchObject([message])
  expect(told.at(-1)!['item']).toMatchObject(message)
  expect(told[0]!['item']).toMatchObject({ status: 'in_progress', content: [] })
  expect(told.filter(({ type }) => type === 'response.output_text.delta').map(({ delta }) => delta)).toEqual(['Two ', 'minutes.'])
  expect(told.find(({ type }) => type === 'response.output_text.done')).toMatchObject({ text: 'Two minutes.', content_index: 0 })
})

test('thoughts, a text and two calls are four items, each closed before the next begins', async () => {
  const { items, types } = await output([
    text('Hmm.', 'reasoning'),
    text('I look.'),
    ...calls(0, 'weather', '{"city":', '"Graz"}'),
    ...calls(1, 'time', '{}'),
  ])
  expect(items).toMatchObject([
    { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'Hmm.' }] },
    { type: 'message', content: [{ text: 'I look.' }], status: 'completed' },
    { type: 'function_call', call_id: 'call_0', name: 'weather', arguments: '{"city":"Graz"}', status: 'completed' },
    { type: 'function_call', call_id: 'call_1', name: 'time', arguments: '{}', status: 'completed' },
  ])
  expect(new Set(items.map(({ id }) => id)).size).toBe(4)
  const bounds = types.filter(type => type.includes('output_item'))
  expect(bounds).toEqual([0, 1, 2, 3].flatMap(index => [`${index} output_item.added`, `${index} output_item.done`]))
  expect(types).toContain('2 function_call_arguments.delta')
  expect(types).toContain('3 function_call_arguments.done')
})

test('of an answer that was cut, the last item alone is not complete', async () => {
  const { items } = await output([text('Hmm.', 'reasoning'), text('I look'), ...calls(0, 'weather', '{"city"')], 'incomplete')
  expect(items).toMatchObject([{ type: 'reasoning' }, { status: 'completed' }, { status: 'incomplete', arguments: '{"city"' }])
})

test('an answer without a word has no items', async () => {
  const { told, items } = await output([{ type: 'prompt-ready', promptTokens: 3, cachedTokens: 0 }])
  expect({ told, items }).toEqual({ told: [], items: [] })
})

test('tokens without a text begin no message', async () => {
  const { items } = await output([...calls(0, 'weather', '{}'), text(''), text('', 'reasoning')])
  expect(items).toMatchObject([{ type: 'function_call' }])
})

test('logprobs go with their piece, and all of them with the whole text', async () => {
  const scored = (text: string) => ({ id: 1, text, bytes: [...Buffer.from(text)], logprob: -0.5 })
  const piece = (word: string): GenerateEvent => ({ ...text(word), logprobs: [{ ...scored(word), top: [scored(word)] }] }) as GenerateEvent
  const { told, items } = await output([piece('Two'), piece(' cups')])
  const asTold = (word: string) => ({ token: word, bytes: [...Buffer.from(word)], logprob: -0.5 })
  const [two, cups] = ['Two', ' cups'].map(word => ({ ...asTold(word), top_logprobs: [asTold(word)] }))
  expect(told.filter(({ type }) => type === 'response.output_text.delta').map(({ logprobs }) => logprobs)).toEqual([[two], [cups]])
  expect(items).toMatchObject([{ content: [{ logprobs: [two, cups] }] }])
})
