// The official package of OpenAI for Node, in its own words, with a real engine.
import OpenAI from 'openai'
import { zodFunction, zodResponseFormat, zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { ANSWER, Asked, ENVIRONMENT_KEY, GUIDE, judgedEngine, Place, QUESTION } from '../../testing/judged-engine.ts'

const engine = judgedEngine()
const client = (apiKey = ENVIRONMENT_KEY) => new OpenAI({ baseURL: engine.baseURL, apiKey, maxRetries: 0 })

const question = {
  model: GUIDE,
  messages: [{ role: 'user', content: QUESTION }],
  temperature: 0,
} satisfies OpenAI.ChatCompletionCreateParamsNonStreaming
/** An answer that goes on until the window is full. */
const endless = { ...question, stream: true, ignore_eos: true } satisfies OpenAI.ChatCompletionCreateParamsStreaming & {
  ignore_eos: boolean
}

test('models are listed, and one is found by its name', async () => {
  const names: string[] = []
  for await (const { id } of client().models.list()) names.push(id)
  expect(names).toEqual([GUIDE])
  expect(await client().models.retrieve(GUIDE)).toMatchObject({ id: GUIDE, object: 'model', owned_by: 'fusion' })
})

test('a question is answered, whole and as a stream, with what it took', async () => {
  const whole = await client().chat.completions.create(question)
  expect(whole.choices).toMatchObject([{ index: 0, message: { role: 'assistant', content: ANSWER, refusal: null }, finish_reason: 'stop' }])
  const stream = client().chat.completions.stream({ ...question, stream: true, stream_options: { include_usage: true } })
  let text = ''
  stream.on('content', piece => (text += piece))
  const { choices } = await stream.finalChatCompletion()
  expect([text, choices[0]!.message.content]).toEqual([ANSWER, ANSWER])
  const usage = { prompt_tokens: whole.usage!.prompt_tokens, completion_tokens: whole.usage!.completion_tokens }
  expect(await stream.totalUsage()).toMatchObject(usage)
})

test('earlier turns and words for the system are read, as text and as parts', async () => {
  const { usage: alone } = await client().chat.completions.create(question)
  const { choices, usage } = await client().chat.completions.create({
    ...question,
    messages: [
      { role: 'developer', content: 'Be short.' },
      { role: 'user', content: [{ type: 'text', text: 'What is Fusion?' }] },
      { role: 'assistant', content: 'A chat app.' },
      ...question.messages,
    ],
  })
  expect(choices[0]!.message.content).not.toBe('')
  expect(usage!.prompt_tokens).toBeGreaterThan(alone!.prompt_tokens + 10)
})

/** Without a limit to what is likely enough. */
const wild = { ...question, temperature: 2, seed: 7, max_tokens: 20, top_p: 1, top_k: 0, min_p: 0 }

test('several answers differ', async () => {
  const { choices } = await client().chat.completions.create({ ...wild, n: 3 })
  expect(new Set(choices.map(({ message }) => message.content)).size).toBe(3)
})

test('an answer is the same again by its seed, and another by another', async () => {
  // One at a time, their prompt computed before: what is computed in one batch depends on what asks at the same moment, and so do the last
  // bits of how likely each token is, which a draw this wild can turn on. OpenAI promises no more of its seed.
  const say = async (seed: number) => (await client().chat.completions.create({ ...wild, seed })).choices[0]!.message.content
  await say(1)
  const first = await say(7)
  expect(await say(7)).toBe(first)
  expect(await say(8)).not.toBe(first)
})

test('an answer ends before a text of stop, or where it was to end', async () => {
  const stopped = await client().chat.completions.create({ ...question, stop: ['undo', 'never said'] })
  expect(stopped.choices).toMatchObject([{ message: { content: ANSWER.slice(0, ANSWER.indexOf('undo')) }, finish_reason: 'stop' }])
  const cut = await client().chat.completions.create({ ...question, max_completion_tokens: 4 })
  expect(cut).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 4 } })
})

test('a prompt without turns is continued, as text and as tokens, whose ids come back', async () => {
  const asked = { model: GUIDE, temperature: 0, max_tokens: 4, return_token_ids: true, ignore_eos: true }
  const byText = await client().completions.create({ ...asked, prompt: 'How do I delete' })
  const { prompt_token_ids: tokens } = byText.choices[0] as unknown as { prompt_token_ids: number[] }
  const byTokens = await client().completions.create({ ...asked, prompt: tokens })
  expect(byTokens.choices).toEqual(byText.choices)
  expect(byText.choices).toMatchObject([{ finish_reason: 'length', token_ids: [1, 2, 3, 4].map(() => expect.any(Number)) }])
  const both = await client().completions.create({ ...asked, prompt: [tokens, tokens], n: 2 })
  expect(both.choices.map(({ index, text }) => [index, text])).toEqual([0, 1, 2, 3].map(index => [index, byText.choices[0]!.text]))
  let text = ''
  for await (const { choices } of await client().completions.create({ ...asked, prompt: tokens, stream: true })) text += choices[0]!.text
  expect(text).toBe(byText.choices[0]!.text)
})

test('a response is given whole and as a stream of its events', async () => {
  const asked = { model: GUIDE, input: QUESTION, temperature: 0 }
  const whole = await client().responses.create(asked)
  expect(whole).toMatchObject({ object: 'response', status: 'completed', output_text: ANSWER, incomplete_details: null, error: null })
  const stream = client().responses.stream(asked)
  let text = ''
  const types: string[] = []
  for await (const event of stream) {
    types.push(event.type)
    if (event.type === 'response.output_text.delta') text += event.delta
  }
  const final = await stream.finalResponse()
  expect([text, final.output_text]).toEqual([ANSWER, ANSWER])
  expect(final.usage).toMatchObject({ input_tokens: whole.usage!.input_tokens, output_tokens: whole.usage!.output_tokens })
  expect([types[0], types.at(-1)]).toEqual(['response.created', 'response.completed'])
  const cut = await client().responses.create({ ...asked, instructions: 'Be short.', max_output_tokens: 3 })
  expect(cut).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, instructions: 'Be short.' })
})

test('the output of one response is the input of the next', async () => {
  const first = await client().responses.create({ model: GUIDE, input: QUESTION, temperature: 0 })
  const next = await client().responses.create({
    model: GUIDE,
    input: [
      { role: 'user', content: QUESTION },
      ...(first.output as OpenAI.Responses.ResponseInputItem[]),
      { role: 'user', content: 'And what is Fusion?' },
    ],
  })
  expect(next.status).toBe('completed')
  expect(next.usage!.input_tokens).toBeGreaterThan(first.usage!.input_tokens + first.usage!.output_tokens)
})

test('how likely tokens were is told with them, whole, as a stream, and by every route', async () => {
  const asked = { ...question, logprobs: true, top_logprobs: 2, max_tokens: 6 }
  const whole = (await client().chat.completions.create(asked)).choices[0]!.logprobs!.content!
  expect(whole.map(({ token }) => token).join('')).toBe(ANSWER.slice(0, 'Open the menu of the chat'.length))
  for (const { token, logprob, bytes, top_logprobs: top } of whole) {
    expect(Buffer.from(bytes!).toString()).toBe(token)
    expect(top).toHaveLength(2)
    // At temperature 0 the likeliest one is taken.
    expect(top[0]).toMatchObject({ token, logprob })
    expect(top[1]!.logprob).toBeLessThan(logprob)
  }
  const stream = client().chat.completions.stream({ ...asked, stream: true })
  expect((await stream.finalChatCompletion()).choices[0]!.logprobs!.content!.map(({ token }) => token)).toEqual(
    whole.map(({ token }) => token),
  )
  const { output } = await client().responses.create({
    model: GUIDE,
    input: QUESTION,
    temperature: 0,
    max_output_tokens: 6,
    top_logprobs: 1,
    include: ['message.output_text.logprobs'],
  })
  expect(output).toMatchObject([{ content: [{ logprobs: whole.map(({ token }) => ({ token, top_logprobs: [{ token }] })) }] }])
  const old = await client().completions.create({ model: GUIDE, prompt: 'How do', temperature: 0, logprobs: 2, max_tokens: 3 })
  const { tokens, token_logprobs: likely, top_logprobs: top, text_offset: offsets } = old.choices[0]!.logprobs!
  expect(tokens!.join('')).toBe(old.choices[0]!.text)
  expect([likely!.length, top!.length, offsets![0], offsets![1]]).toEqual([tokens!.length, tokens!.length, 0, tokens![0]!.length])
})

test('an answer is held to a form, which the helpers of the package write and read', async () => {
  const format = zodResponseFormat(Place, 'place')
  const { choices } = await client().chat.completions.parse({ ...question, response_format: format })
  expect(Place.parse(choices[0]!.message.parsed)).toEqual(JSON.parse(choices[0]!.message.content!))
  const stream = client().chat.completions.stream({ ...question, stream: true, response_format: format })
  expect((await stream.finalChatCompletion()).choices[0]!.message.parsed).toEqual(choices[0]!.message.parsed)
  const response = await client().responses.parse({
    model: GUIDE,
    input: QUESTION,
    temperature: 0,
    text: { format: zodTextFormat(Place, 'place') },
  })
  expect(Place.parse(response.output_parsed)).toEqual(JSON.parse(response.output_text))
})

const weather = zodFunction({ name: 'weather', description: 'The weather of a city', parameters: Asked })
const time = zodFunction({ name: 'time', description: 'The time of day', parameters: z.object({}) })

test('a tool is called where one is required, whole and as a stream, and its result is read', async () => {
  const asked = { ...question, tools: [weather], tool_choice: 'required' as const, parallel_tool_calls: false }
  const { choices } = await client().chat.completions.parse(asked)
  const { message, finish_reason: reason } = choices[0]!
  const call = message.tool_calls!.find(each => each.type === 'function')
  expect([reason, message.content, message.tool_calls!.length]).toEqual(['tool_calls', null, 1])
  expect(call).toMatchObject({ type: 'function', function: { name: 'weather' } })
  expect(Asked.parse(call!.function.parsed_arguments)).toEqual(JSON.parse(call!.function.arguments))
  const stream = client().chat.completions.stream({ ...asked, stream: true, stream_options: { include_usage: true } })
  let told = ''
  stream.on('tool_calls.function.arguments.delta', ({ arguments_delta: piece }) => (told += piece))
  const streamed = (await stream.finalChatCompletion()).choices[0]!
  expect([streamed.finish_reason, streamed.message.tool_calls]).toMatchObject([
    'tool_calls',
    [{ function: { name: 'weather', arguments: told } }],
  ])
  expect(JSON.parse(told)).toEqual(call!.function.parsed_arguments)
  const result = { role: 'tool', tool_call_id: call!.id, content: 'Sunny.' } as const
  const next = await client().chat.completions.create({ ...question, tools: [weather], messages: [...question.messages, message, result] })
  expect(next.choices).toMatchObject([{ message: { content: expect.stringMatching(/./) }, finish_reason: 'stop' }])
})

test('a tool that was named is called and no other, and none where none is wanted', async () => {
  const asked = { ...question, tools: [weather, time] }
  for (const name of ['weather', 'time']) {
    const { choices } = await client().chat.completions.create({ ...asked, tool_choice: { type: 'function', function: { name } } })
    expect(choices).toMatchObject([{ message: { tool_calls: [{ function: { name } }] }, finish_reason: 'tool_calls' }])
  }
  const none = await client().chat.completions.create({ ...asked, tool_choice: 'none' })
  expect(none.choices).toMatchObject([{ message: { content: expect.stringMatching(/./) }, finish_reason: 'stop' }])
  expect(none.choices[0]!.message.tool_calls).toBeUndefined()
})

test('calls that stood side by side are read with their results', async () => {
  const calls = ['one', 'two'].map(id => ({
    id,
    type: 'function' as const,
    function: { name: 'weather', arguments: '{"city":"Graz","days":2}' },
  }))
  const { choices, usage } = await client().chat.completions.create({
    ...question,
    tools: [weather],
    messages: [
      ...question.messages,
      { role: 'assistant', tool_calls: calls },
      ...calls.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: [{ type: 'text' as const, text: 'Sunny.' }] })),
    ],
  })
  expect(choices[0]!.message.content).not.toBe('')
  expect(usage!.prompt_tokens).toBeGreaterThan(100)
})

test('the runner of the package calls a tool with what the model asked, and gives back what it said', async () => {
  const calls: unknown[] = []
  const look = (asked: unknown) => {
    calls.push(asked)
    return 'Sunny.'
  }
  const tool = zodFunction({ name: 'weather', parameters: Asked, function: look })
  const runner = client().chat.completions.runTools(
    { ...question, tools: [tool], tool_choice: { type: 'function', function: { name: 'weather' } } },
    { maxChatCompletions: 1 },
  )
  await runner.done()
  expect(calls.map(asked => Asked.parse(asked))).toHaveLength(1)
  expect(runner.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool'])
})

test('responses call tools too, and read their results', async () => {
  const tools = [zodResponsesFunction({ name: 'weather', parameters: Asked })]
  const asked = { model: GUIDE, input: [{ role: 'user' as const, content: QUESTION }], temperature: 0, tools }
  const stream = client().responses.stream({ ...asked, tool_choice: { type: 'function', name: 'weather' }, parallel_tool_calls: false })
  let told = ''
  for await (const event of stream) if (event.type === 'response.function_call_arguments.delta') told += event.delta
  const { output } = await stream.finalResponse()
  expect(output).toMatchObject([{ type: 'function_call', name: 'weather', arguments: told, status: 'completed' }])
  expect(Asked.safeParse(JSON.parse(told))).toMatchObject({ success: true })
  const [call] = output as OpenAI.Responses.ResponseFunctionToolCall[]
  const next = await client().responses.create({
    ...asked,
    input: [...asked.input, call!, { type: 'function_call_output', call_id: call!.call_id, output: 'Sunny.' }],
  })
  expect(next).toMatchObject({ status: 'completed', output_text: expect.stringMatching(/./) })
})

test('what cannot be held to is refused, and says where it stands', async () => {
  const held = (schema: Record<string, unknown>) =>
    client().chat.completions.create({
      ...question,
      max_tokens: 50,
      response_format: { type: 'json_schema', json_schema: { name: 'a', schema } },
    })
  const impossible = held({ type: 'object', properties: { a: { type: 'string', not: {} } }, required: ['a'] })
  await expect(impossible).rejects.toThrow(OpenAI.BadRequestError)
  await expect(impossible).rejects.toMatchObject({ code: 'invalid_json_schema', message: expect.stringContaining('#/properties/a') })
  const large = held({ enum: Array.from({ length: 60_000 }, (_, index) => `value number ${index}`) })
  await expect(large).rejects.toMatchObject({ status: 400, code: 'invalid_json_schema' })
  const node = { type: 'object', properties: { next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } }, required: ['next'] }
  const { choices } = await held({ $ref: '#/$defs/node', $defs: { node: { ...node, additionalProperties: false } } })
  expect(choices[0]!.message.content).toMatch(/^\{ ?"next": ?/)
})

test('what goes wrong is an error of the right class', async () => {
  const { chat, embeddings, responses } = client()
  await expect(client('wrong').models.list()).rejects.toThrow(OpenAI.AuthenticationError)
  await expect(chat.completions.create({ ...question, model: 'none' })).rejects.toThrow(OpenAI.NotFoundError)
  const bad = chat.completions.create({ ...question, temperature: 5 })
  await expect(bad).rejects.toThrow(OpenAI.BadRequestError)
  await expect(bad).rejects.toMatchObject({ status: 400, code: 'invalid_value', param: 'temperature', type: 'invalid_request_error' })
  const long = chat.completions.create({ ...question, messages: [{ role: 'user', content: 'word '.repeat(3000) }] })
  await expect(long).rejects.toMatchObject({ status: 400, code: 'context_length_exceeded' })
  await expect(chat.completions.create({ ...question, messages: 'hello' as never, stream: true })).rejects.toThrow(OpenAI.BadRequestError)
  await expect(responses.create({ model: GUIDE, previous_response_id: 'resp_1', input: 'a' })).rejects.toThrow(OpenAI.BadRequestError)
  await expect(embeddings.create({ model: GUIDE, input: 'a' })).rejects.toMatchObject({ status: 501, code: 'no_embedding_model' })
})

test('leaving a stream ends its answer, and so does aborting a request', async () => {
  const aborted = () => engine.metric('request_success_total', ',finished_reason="abort"')
  const before = await aborted()
  for await (const { choices } of await client().chat.completions.create(endless)) if (choices[0]?.delta.content) break
  await expect.poll(aborted).toBe(before + 1)
  const gone = new AbortController()
  const asking = client().chat.completions.create({ ...endless, stream: false }, { signal: gone.signal })
  await expect.poll(() => engine.metric('num_requests_running')).toBe(1)
  gone.abort()
  await expect(asking).rejects.toThrow(OpenAI.APIUserAbortError)
  await expect.poll(aborted).toBe(before + 2)
  expect(await engine.metric('num_requests_running')).toBe(0)
})

test('when too many wait, the error says so, and the client that tries again by itself is answered', async () => {
  const gone = new AbortController()
  const asking = Array.from({ length: 300 }, () => client().chat.completions.create(endless, { signal: gone.signal }))
  const failures = asking.map(request =>
    request.then(
      () => undefined,
      (error: unknown) => error,
    ),
  )
  const refused = await Promise.race(failures.map(async failure => (await failure) ?? new Promise<never>(() => {})))
  expect(refused).toBeInstanceOf(OpenAI.RateLimitError)
  expect((refused as { headers: Headers }).headers.get('retry-after')).toBe('1')
  const patient = new OpenAI({ baseURL: engine.baseURL, apiKey: ENVIRONMENT_KEY, maxRetries: 5 }).chat.completions.create(question)
  gone.abort()
  await Promise.all(failures)
  expect((await patient).choices[0]!.message.content).toBe(ANSWER)
})
