// LangChain for Node with a real engine.
import { AIMessage, type AIMessageChunk, HumanMessage, SystemMessage, type UsageMetadata } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI, type ChatOpenAIFields, OpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { expect, test } from 'vitest'
import { ANSWER, Asked, ENVIRONMENT_KEY, GUIDE, judgedEngine, Place, QUESTION } from '../../testing/judged-engine.ts'

const engine = judgedEngine()
const fields = (apiKey = ENVIRONMENT_KEY) => ({ model: GUIDE, apiKey, configuration: { baseURL: engine.baseURL }, maxRetries: 0 })
const chat = (more: ChatOpenAIFields = {}) => new ChatOpenAI({ ...fields(), temperature: 0, ...more })
/** Their types lose it. */
const usageOf = ({ usage_metadata: usage }: AIMessageChunk) => usage as UsageMetadata | undefined

test.for([
  ['chat completions', false],
  ['responses', true],
] as const)('%s: a question is answered, whole and as a stream, with what it took', async ([, useResponsesApi]) => {
  const model = chat({ useResponsesApi })
  const whole = await model.invoke(QUESTION)
  expect(whole.text).toBe(ANSWER)
  let text = ''
  let tokens = 0
  for await (const piece of await model.stream(QUESTION)) {
    text += piece.text
    tokens += usageOf(piece)?.output_tokens ?? 0
  }
  expect(text).toBe(ANSWER)
  expect(tokens).toBe(usageOf(whole)!.output_tokens)
})

test.for([
  ['chat completions', false],
  ['responses', true],
] as const)('%s: an answer is an object of the form that was asked for', async ([, useResponsesApi]) => {
  const held = chat({ useResponsesApi }).withStructuredOutput(Place, { name: 'place', method: 'jsonSchema' })
  const place = await held.invoke('a place')
  expect(Place.parse(place)).toEqual(place)
})

test.for([
  ['chat completions', false],
  ['responses', true],
] as const)('%s: a tool is called with what the model asked, and its result is read', async ([, useResponsesApi]) => {
  const weather = tool(async () => 'Sunny.', { name: 'weather', description: 'The weather of a city', schema: Asked })
  const model = chat({ useResponsesApi })
  const called = await model.bindTools([weather], { tool_choice: 'weather' }).invoke(QUESTION)
  expect(called.tool_calls).toMatchObject([{ name: 'weather', args: Asked.parse(called.tool_calls![0]!.args) }])
  const result = await weather.invoke(called.tool_calls![0]!)
  const answer = await model.bindTools([weather]).invoke([new HumanMessage(QUESTION), called, result])
  expect(answer.text).not.toBe('')
  let streamed: AIMessageChunk | undefined
  for await (const piece of await model.bindTools([weather], { tool_choice: 'weather' }).stream(QUESTION)) {
    streamed = streamed ? streamed.concat(piece) : piece
  }
  expect(streamed!.tool_calls).toMatchObject([{ name: 'weather', args: called.tool_calls![0]!.args }])
})

test('a form is asked for by a call, too', async () => {
  const place = await chat().withStructuredOutput(Place, { name: 'place', method: 'functionCalling' }).invoke('a place')
  expect(Place.parse(place)).toEqual(place)
})

test('words for the system and earlier turns are read', async () => {
  const alone = usageOf(await chat().invoke(QUESTION))!
  const turns = [
    new SystemMessage('Be short.'),
    new HumanMessage('What is Fusion?'),
    new AIMessage('A chat app.'),
    new HumanMessage(QUESTION),
  ]
  expect(usageOf(await chat().invoke(turns))!.input_tokens).toBeGreaterThan(alone.input_tokens + 10)
})

test('several questions at once are all answered, an answer ends before a text of stop, and a prompt is continued', async () => {
  const answers = await chat().batch([QUESTION, QUESTION, QUESTION])
  expect(answers.map(({ text }) => text)).toEqual([ANSWER, ANSWER, ANSWER])
  const stopped = await chat().invoke(QUESTION, { stop: ['undo'] })
  expect(stopped.text).toBe(ANSWER.slice(0, ANSWER.indexOf('undo')))
  expect(await new OpenAI({ ...fields(), temperature: 0, maxTokens: 4 }).invoke('How do I')).not.toBe('')
})

test('what goes wrong is told in the words of the server', async () => {
  await expect(new ChatOpenAI(fields('wrong')).invoke(QUESTION)).rejects.toThrow(/revoked/)
  await expect(chat({ model: 'none' }).invoke(QUESTION)).rejects.toThrow(/'none' does not exist/)
  await expect(new OpenAIEmbeddings(fields()).embedQuery('a')).rejects.toThrow(/no model that makes embeddings/)
})

test('aborting ends the answer', async () => {
  const aborted = () => engine.metric('request_success_total', ',finished_reason="abort"')
  const before = await aborted()
  const gone = new AbortController()
  const endless = chat({ modelKwargs: { ignore_eos: true } })
  const reading = (async () => {
    for await (const piece of await endless.stream(QUESTION, { signal: gone.signal })) if (piece.text !== '') gone.abort()
  })()
  await expect(reading).rejects.toThrow()
  await expect.poll(aborted).toBe(before + 1)
})
