import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCalls } from './calls.ts'
import { createMatcher } from './grammar/matcher.ts'
import { accepts } from './grammar/testing.ts'
import { text } from './grammar/rule.ts'
import type { LoadedLlama } from './llama.ts'
import { type Answer, answer, endProcess, loadModel, type Question, startProcess, type TestProcess } from './testing/inference.ts'
import { type CallForm, callFormOf, callGrammar } from './tool-grammar.ts'

let shared: TestProcess
beforeAll(async () => {
  shared = startProcess()
  await loadModel(shared.client)
})
afterAll(() => endProcess(shared))

const weather = {
  name: 'weather',
  description: 'Tells the weather of a city.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string', maxLength: 12 }, days: { type: 'integer', minimum: 1, maximum: 14 } },
    required: ['city', 'days'],
    additionalProperties: false,
  },
}
const time = { name: 'time' }
const tools = [weather, time]
const hot = { temperature: 2, topK: 0, topP: 1, minP: 0, maxTokens: 400 }

const ask = (options: Question, seed = 1, question = 'How do I delete a chat?') =>
  answer(shared.client, question, { chatId: null, priority: 1, tools, sampling: { ...hot, seed }, ...options })

function callsOf({ events }: Answer) {
  const calls: { id: string; name: string; arguments: string }[] = []
  for (const event of events) {
    if (event.type === 'tool-call-started') {
      expect(event.index).toBe(calls.length)
      calls.push({ id: event.id, name: event.name, arguments: '' })
    }
    if (event.type === 'tool-call-delta') calls[event.index]!.arguments += event.arguments
  }
  return calls
}

test('where a tool is required one is called, with arguments of its schema', async () => {
  const names = new Set<string>()
  for (let seed = 1; seed <= 12; seed++) {
    const asked = await ask({ toolChoice: 'required', parallelToolCalls: false }, seed)
    const [call, ...others] = callsOf(asked)
    expect([others, asked.text, asked.finished.reason]).toEqual([[], '', 'tool-calls'])
    names.add(call!.name)
    const read = JSON.parse(call!.arguments) as { city: string; days: number }
    if (call!.name === 'weather') expect([typeof read.city, read.days >= 1 && read.days <= 14]).toEqual(['string', true])
    else expect([call!.name, read]).toEqual(['time', {}])
    const told = asked.events.flatMap(event => ('tokens' in event ? event.tokens : []))
    expect(told.reduce((sum, tokens) => sum + tokens, 0)).toBe(asked.finished.completionTokens)
  }
  expect(names).toEqual(new Set(['weather', 'time']))
})

test('a tool that is named is the one that is called', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const calls = callsOf(await ask({ toolChoice: { name: 'weather' } }, seed))
    expect(new Set(calls.map(({ name }) => name))).toEqual(new Set(['weather']))
    expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length)
  }
})

test('without a need the model answers as it likes, and tools that may not be called are not offered', async () => {
  const [plain, none, auto] = [await ask({ tools: [] }), await ask({ toolChoice: 'none' }), await ask({ sampling: { temperature: 0 } })]
  expect(none.prompt.promptTokens).toBe(plain.prompt.promptTokens)
  expect(auto.prompt.promptTokens).toBeGreaterThan(plain.prompt.promptTokens)
  expect([auto.finished.reason, callsOf(auto)]).toEqual(['stop', []])
  expect(auto.text).not.toBe('')
})

test('an answer of a form may be a call instead', async () => {
  const form = { type: 'json-schema' as const, schema: { type: 'string', maxLength: 3 } }
  const asked = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(seed => ask({ form }, seed)))
  expect(asked.some(one => callsOf(one).length > 0)).toBe(true)
  for (const one of asked) {
    if (callsOf(one).length > 0) expect([one.finished.reason, one.text]).toEqual(['tool-calls', ''])
    else expect(JSON.parse(one.text)).toBeTypeOf('string')
  }
})

test('a conversation with calls and results goes on', async () => {
  const { finished } = await answer(
    shared.client,
    [
      { role: 'user', text: 'How is the weather?' },
      { role: 'assistant', text: '', toolCalls: [{ id: 'a', name: 'weather', arguments: 'not { JSON <|end|>' }] },
      { role: 'tool', text: 'rain <|end|>', toolCallId: 'a' },
    ],
    { chatId: null, priority: 1, tools },
  )
  expect(finished.completionTokens).toBeGreaterThan(0)
})

test('a tool whose arguments cannot be held to is refused where it must be called, and else only offered', async () => {
  const odd = [{ name: 'odd', parameters: { type: 'object', properties: { a: { not: {} } } } }]
  await expect(ask({ tools: odd, toolChoice: 'required' })).rejects.toMatchObject({
    code: 'form-unusable',
    detail: { why: 'Fusion cannot hold to “not” (at #/properties/a of the tool odd)' },
  })
  await expect(ask({ toolChoice: { name: 'gone' } })).rejects.toMatchObject({ code: 'form-unusable' })
  expect((await ask({ tools: odd, sampling: { temperature: 0 } })).finished.reason).toBe('stop')
  let deep: object = {}
  for (let level = 0; level < 1_000; level++) deep = { type: 'array', items: deep }
  await expect(ask({ tools: [{ name: 'deep', parameters: deep }] })).rejects.toMatchObject({ code: 'form-unusable' })
})

test.each<[CallForm, string, string]>([
  ['hermes', '{% if tools %}<tool_call>{% endif %}', '<tool_call>\n{"name": "time", "arguments": {}}\n</tool_call>'],
  ['llama', 'Environment: ipython {{ tools }}', '{"name": "time", "parameters": {}}'],
  ['mistral', '[AVAILABLE_TOOLS][TOOL_CALLS]', '[TOOL_CALLS][{"name": "time", "arguments": {}}]'],
  ['mistral-named', '[TOOL_CALLS]name[ARGS]', '[TOOL_CALLS]time[ARGS]{}'],
])('calls in the form of %s fit its grammar', (form, template, written) => {
  expect(callFormOf(template)).toBe(form)
  const rule = (parallel: boolean) => callGrammar({ form, tools, toolChoice: 'required', parallel, mark: text })
  expect([accepts(rule(false), written), createMatcher(rule(true)) !== undefined]).toEqual([true, true])
  expect(accepts(rule(true), written.replace('time', 'other'))).toBe(false)
  const between = { hermes: '\n', llama: '; ', mistral: '', 'mistral-named': '' }[form]
  const two = form === 'mistral' ? written.replace(/(\{.*\})\]$/, '$1, $1]') : written + between + written
  expect([accepts(rule(true), two), accepts(rule(false), two)]).toEqual([true, false])
})

test('where one call is the most a second one is not told', async () => {
  // Nothing of a model is asked for where nothing has to be called.
  const llama = { callForm: 'hermes' } as unknown as LoadedLlama
  const request = { chatId: null, prompt: { messages: [], tools }, sampling: {}, priority: 1, parallelToolCalls: false }
  const calls = (await createCalls(llama, request.prompt, request))!
  const call = '<tool_call>{"name": "time", "arguments": {}}</tool_call>'
  const told = calls.reader.push(call + call).flatMap(piece => calls.event(piece, 1) ?? [])
  expect(told).toMatchObject([
    { type: 'tool-call-started', index: 0, name: 'time' },
    { type: 'tool-call-delta', index: 0, arguments: '{}' },
  ])
  expect(calls.enough()).toBe(true)
})
