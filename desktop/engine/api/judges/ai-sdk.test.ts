// The Vercel AI SDK, by both of its packages for such servers, with a real engine.
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, embed, generateText, isStepCount, type LanguageModel, Output, streamText, tool } from 'ai'
import { expect, test } from 'vitest'
import { ANSWER, Asked, ENVIRONMENT_KEY, GUIDE, judgedEngine, Place, QUESTION } from '../../testing/judged-engine.ts'

const engine = judgedEngine()
const compatible = (apiKey = ENVIRONMENT_KEY) =>
  createOpenAICompatible({ name: 'fusion', baseURL: engine.baseURL, apiKey, includeUsage: true, supportsStructuredOutputs: true })
const openai = () => createOpenAI({ baseURL: engine.baseURL, apiKey: ENVIRONMENT_KEY })

/** Each way to the server; `openai` speaks the responses API. */
const ways: [name: string, model: () => LanguageModel][] = [
  ['chat completions of openai-compatible', () => compatible()(GUIDE)],
  ['chat completions of openai', () => openai().chat(GUIDE)],
  ['responses of openai', () => openai()(GUIDE)],
]

test.for(ways)('%s: a question is answered, whole and as a stream, with what it took', async ([, model]) => {
  const asked = { prompt: QUESTION, temperature: 0, maxRetries: 0 }
  const whole = await generateText({ ...asked, model: model() })
  expect(whole).toMatchObject({ text: ANSWER, finishReason: 'stop' })
  const stream = streamText({ ...asked, model: model() })
  let text = ''
  for await (const piece of stream.textStream) text += piece
  expect(text).toBe(ANSWER)
  expect(await stream.finishReason).toBe('stop')
  const { inputTokens, outputTokens } = await stream.usage
  expect([inputTokens, outputTokens]).toEqual([whole.usage.inputTokens, whole.usage.outputTokens])
  expect(outputTokens).toBeGreaterThan(20)
})

test.for(ways)('%s: words for the system and earlier turns are read, and an answer ends where it was to end', async ([, model]) => {
  const { text, finishReason, usage } = await generateText({
    model: model(),
    system: 'Be short.',
    messages: [
      { role: 'user', content: 'What is Fusion?' },
      { role: 'assistant', content: 'A chat app.' },
      { role: 'user', content: QUESTION },
    ],
    temperature: 0,
    maxOutputTokens: 3,
    maxRetries: 0,
  })
  expect(text).not.toBe('')
  expect(finishReason).toBe('length')
  expect(usage).toMatchObject({ outputTokens: 3 })
})

test.for(ways)('%s: an answer is an object of the form that was asked for, whole and as it grows', async ([, model]) => {
  const asked = { prompt: 'a place', output: Output.object({ schema: Place }), temperature: 0, maxRetries: 0 }
  const { output } = await generateText({ ...asked, model: model() })
  expect(Place.parse(output)).toEqual(output)
  const stream = streamText({ ...asked, model: model() })
  let last: unknown
  for await (const part of stream.partialOutputStream) last = part
  expect(last).toEqual(output)
  const choice = await generateText({ ...asked, model: model(), output: Output.choice({ options: ['yes', 'no'] }) })
  expect(choice.output).toMatch(/^(yes|no)$/)
})

test.for(ways)('%s: a tool is called with what the model asked, and its result goes into the next step', async ([, model]) => {
  const calls: unknown[] = []
  const weather = tool({
    description: 'The weather of a city',
    inputSchema: Asked,
    execute: asked => {
      calls.push(asked)
      return 'Sunny.'
    },
  })
  const asked = { prompt: QUESTION, tools: { weather }, toolChoice: 'required', temperature: 0, maxRetries: 0 } as const
  const { steps } = await generateText({ ...asked, model: model(), stopWhen: isStepCount(2) })
  expect(steps.map(({ finishReason }) => finishReason)).toEqual(['tool-calls', 'tool-calls'])
  expect(steps[0]!.toolCalls[0]).toMatchObject({ toolName: 'weather', input: calls[0] })
  expect(steps[0]!.toolResults[0]).toMatchObject({ output: 'Sunny.' })
  expect(steps[1]!.usage.inputTokens).toBeGreaterThan(steps[0]!.usage.inputTokens!)
  const types: string[] = []
  for await (const { type } of streamText({ ...asked, model: model() }).fullStream) types.push(type)
  expect(types).toEqual(
    expect.arrayContaining(['tool-input-start', 'tool-input-delta', 'tool-input-end', 'tool-call', 'tool-result', 'finish']),
  )
  expect(types).not.toContain('error')
})

test('responses are not kept, so an earlier turn comes whole where the client is told to, and else is refused in words', async () => {
  const first = await generateText({ model: openai()(GUIDE), prompt: QUESTION, temperature: 0 })
  const messages = [
    { role: 'user' as const, content: QUESTION },
    ...first.responseMessages,
    { role: 'user' as const, content: 'What is Fusion?' },
  ]
  const asked = { model: openai()(GUIDE), messages, temperature: 0, maxRetries: 0 }
  await expect(generateText(asked)).rejects.toThrow(/Responses are not kept here/)
  expect((await generateText({ ...asked, providerOptions: { openai: { store: false } } })).text).not.toBe('')
})

test('a text of stop ends an answer, and a prompt without turns is continued', async () => {
  const stopped = await generateText({ model: compatible()(GUIDE), prompt: QUESTION, temperature: 0, seed: 1, stopSequences: ['undo'] })
  expect(stopped.text).toBe(ANSWER.slice(0, ANSWER.indexOf('undo')))
  const continued = await generateText({ model: compatible().completionModel(GUIDE), prompt: QUESTION, temperature: 0, maxOutputTokens: 3 })
  expect(continued).toMatchObject({ finishReason: 'length', usage: { outputTokens: 3 } })
})

test('what goes wrong is told in the words of the server, and is tried again only where that makes sense', async () => {
  const failed = async (work: Promise<unknown>) => {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    if (!APICallError.isInstance(error)) throw error
    return { status: error.statusCode, again: error.isRetryable, message: error.message }
  }
  const asked = { prompt: QUESTION, maxRetries: 0 }
  expect(await failed(generateText({ ...asked, model: compatible('wrong')(GUIDE) }))).toMatchObject({
    status: 401,
    again: false,
    message: /revoked/,
  })
  expect(await failed(generateText({ ...asked, model: compatible()('none') }))).toMatchObject({
    status: 404,
    again: false,
    message: /none/,
  })
  expect(await failed(generateText({ ...asked, model: openai()('none') }))).toMatchObject({ status: 404, again: false, message: /none/ })
  const embedded = embed({ model: compatible().embeddingModel(GUIDE), value: 'a', maxRetries: 0 })
  expect(await failed(embedded)).toMatchObject({ status: 501, message: /embeddings/ })
})

test('aborting ends the answer', async () => {
  const aborted = () => engine.metric('request_success_total', ',finished_reason="abort"')
  const before = await aborted()
  const gone = new AbortController()
  const { textStream } = streamText({
    model: compatible()(GUIDE),
    prompt: QUESTION,
    temperature: 0,
    abortSignal: gone.signal,
    providerOptions: { fusion: { ignore_eos: true } },
  })
  for await (const piece of textStream) if (piece !== '') gone.abort()
  await expect.poll(aborted).toBe(before + 1)
})
