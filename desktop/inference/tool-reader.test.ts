import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createToolReader } from './tool-reader.ts'

/** The answer as it is read in pieces of `size` characters. */
function read(text: string, size: number) {
  const reader = createToolReader(['weather', 'time'])
  const pieces = []
  for (let at = 0; at < text.length; at += size) pieces.push(...reader.push(text.slice(at, at + size)))
  pieces.push(...reader.end())
  const calls: { name: string; arguments: string }[] = []
  let words = ''
  for (const piece of pieces) {
    if (piece.type === 'text') words += piece.text
    else if (piece.type === 'call-started') {
      expect(piece.index).toBe(calls.length)
      calls.push({ name: piece.name, arguments: '' })
    } else calls[piece.index]!.arguments += piece.arguments
  }
  return { text: words, calls }
}

const paris = '{"city": "Paris, <b>\\"\\u00e9\\"</b>"}'
const weather = { name: 'weather', arguments: paris }
const time = { name: 'time', arguments: '{}' }

const cases: [name: string, input: string, text: string, calls: { name: string; arguments: string }[]][] = [
  ['no call', ' Hello there. ', ' Hello there. ', []],
  ['the form of Hermes and Qwen', `<tool_call>\n{"name": "weather", "arguments": ${paris}}\n</tool_call>`, '', [weather]],
  ['words before it', `Let me see.\n\n<tool_call>\n{"name": "weather", "arguments": ${paris}}\n</tool_call>`, 'Let me see.', [weather]],
  [
    'several of them',
    `<tool_call>\n{"name": "weather", "arguments": ${paris}}\n</tool_call>\n<tool_call>\n{"name": "time", "arguments": {}}\n</tool_call>`,
    '',
    [weather, time],
  ],
  ['arguments before the name', `<tool_call>{"arguments": ${paris}, "name": "weather"}</tool_call>`, '', [weather]],
  ['arguments in a string', `<tool_call>{"name": "weather", "arguments": ${JSON.stringify(paris)}}</tool_call>`, '', [weather]],
  [
    'arguments that hold the mark',
    '<tool_call>{"name": "time", "arguments": {"a": "</tool_call>"}}</tool_call>',
    '',
    [{ name: 'time', arguments: '{"a": "</tool_call>"}' }],
  ],
  [
    'arguments that are no JSON',
    '<tool_call>{"name": "time", "arguments": in Paris}</tool_call>',
    '',
    [{ name: 'time', arguments: 'in Paris' }],
  ],
  [
    'arguments that end too early',
    '<tool_call>\n{"name": "time", "arguments": {"zone": 1\n</tool_call>',
    '',
    [{ name: 'time', arguments: '{"zone": 1\n' }],
  ],
  [
    'an answer that is cut short',
    '<tool_call>\n{"name": "time", "arguments": {"zone": "Eu',
    '',
    [{ name: 'time', arguments: '{"zone": "Eu' }],
  ],
  ['a call without arguments', '<tool_call>{"name": "time"}</tool_call>', '', [time]],
  ['something like a call', '<tool_call>not at all</tool_call>', '<tool_call>not at all</tool_call>', []],
  ['the form of Llama 3', `{"name": "weather", "parameters": ${paris}}`, '', [weather]],
  ['several of those', `{"name": "weather", "parameters": ${paris}}; {"name": "time", "parameters": {}}`, '', [weather, time]],
  ['with its mark', `<|python_tag|>{"type": "function", "name": "weather", "parameters": ${paris}}`, '', [weather]],
  ['JSON that is no call', '{"name": "Ann", "parameters": {}}', '{"name": "Ann", "parameters": {}}', []],
  ['other JSON', '{"a": [1, 2]} is it.', '{"a": [1, 2]} is it.', []],
  [
    'the form of Mistral',
    `[TOOL_CALLS][{"name": "weather", "arguments": ${paris}}, {"name": "time", "arguments": {}, "id": "123456789"}]`,
    '',
    [weather, time],
  ],
  ['its newer form', `[TOOL_CALLS]weather[ARGS]${paris}[TOOL_CALLS]time[CALL_ID]123456789[ARGS]{}`, '', [weather, time]],
  ['without its second mark', `[TOOL_CALLS]weather${paris}`, '', [weather]],
]

test.each(cases)('%s, in pieces of any size', (_, input, text, calls) => {
  for (let size = 1; size <= input.length; size++) expect(read(input, size), `pieces of ${size}`).toEqual({ text, calls })
})

test('arguments are told as they come', () => {
  const reader = createToolReader(['time'])
  reader.push('<tool_call>{"name": "time", ')
  expect(reader.calling).toBe(true)
  expect(reader.push('"arguments": {"zone": ')).toEqual([{ type: 'call-delta', index: 0, arguments: '{"zone": ' }])
  expect(reader.push('"Eu')).toEqual([{ type: 'call-delta', index: 0, arguments: '"Eu' }])
  expect(reader.push('rope"}}')).toEqual([{ type: 'call-delta', index: 0, arguments: 'rope"}' }])
})

const scraps = fc.constantFrom(
  '<tool_call>',
  '</tool_call>',
  '[TOOL_CALLS]',
  '[ARGS]',
  '[CALL_ID]',
  '<|python_tag|>',
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\',
  ',',
  ';',
  ':',
  ' ',
  '\n',
  '"name"',
  '"weather"',
  '"arguments"',
  '"parameters"',
  'weather',
  'words',
  '1',
  '<',
  '<tool',
)

test('whatever a model writes is read to its end, and the same in pieces of any size', () => {
  fc.assert(
    fc.property(fc.array(scraps, { maxLength: 30 }), fc.integer({ min: 1, max: 9 }), (parts, size) => {
      const text = parts.join('')
      const [whole, pieces] = [read(text, text.length || 1), read(text, size)]
      expect(pieces.calls).toEqual(whole.calls)
      expect(pieces.text.trim()).toBe(whole.text.trim())
    }),
    { numRuns: 3_000 },
  )
})
