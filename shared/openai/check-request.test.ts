import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { ChatCompletionRequest } from './chat-completions.ts'
import { checkRequest } from './check-request.ts'
import { WrongRequest } from './failure.ts'

const question = { model: 'guide', messages: [{ role: 'user', content: 'hello' }] }

/** What is wrong with the body, as a client is told. */
function wrong(body: unknown): { message: string; param: string | null; code: string | null; status: number } {
  try {
    checkRequest(ChatCompletionRequest, body)
  } catch (error) {
    if (!(error instanceof WrongRequest)) throw error
    const { message, param, code, status } = error
    return { message, param, code, status }
  }
  throw new Error('nothing was wrong')
}

test('a request of the right form is given as it came, and null stands for what was not set', () => {
  const body = { ...question, temperature: null, stop: null, tools: null, logprobs: null }
  expect(checkRequest(ChatCompletionRequest, body)).toBe(body)
})

test('an unknown parameter is named as OpenAI names it, also inside of another', () => {
  expect(wrong({ ...question, temprature: 0 })).toEqual({
    message: "Unknown parameter: 'temprature'.",
    param: 'temprature',
    code: 'unknown_parameter',
    status: 400,
  })
  expect(wrong({ ...question, stream_options: { include_use: true } })).toMatchObject({ param: 'stream_options.include_use' })
})

test('a list is looked through for what is wrong as far as that takes no time, and refused all the same behind', () => {
  const message = { role: 'user', content: 'hello' }
  const messages = (right: number) => [...Array.from({ length: right }, () => message), { role: 'nobody' }]
  expect(wrong({ ...question, messages: messages(999) })).toMatchObject({ param: 'messages[999].role', code: 'invalid_value' })
  expect(wrong({ ...question, messages: messages(1000) })).toMatchObject({ param: null, code: 'invalid_value' })
})

test('a missing parameter is named with its place', () => {
  expect(wrong({ model: 'guide' })).toEqual({
    message: "Missing required parameter: 'messages'.",
    param: 'messages',
    code: 'missing_required_parameter',
    status: 400,
  })
  expect(wrong({ ...question, messages: [{ role: 'user', content: 'a' }, { content: 'b' }] })).toMatchObject({ param: 'messages[1].role' })
})

test('a value of the wrong type or size is named with its place and what it should be', () => {
  expect(wrong({ ...question, temperature: 3 })).toMatchObject({
    param: 'temperature',
    code: 'invalid_value',
    message: /temperature.*<= 2/,
  })
  expect(wrong({ ...question, max_tokens: 'many' })).toMatchObject({ param: 'max_tokens', message: /max_tokens.*integer/ })
  expect(wrong({ ...question, messages: 'hello' })).toMatchObject({ param: 'messages', message: /messages.*array/ })
  expect(wrong({ ...question, messages: [] })).toMatchObject({ param: 'messages' })
  expect(wrong({ ...question, messages: [{ role: 'robot', content: 'a' }] })).toMatchObject({ param: 'messages[0].role' })
})

test('a body that is no object is refused', () => {
  for (const body of [undefined, null, [], 'hello', 7]) {
    expect(wrong(body)).toEqual({ message: 'The body of the request must be a JSON object.', param: null, code: null, status: 400 })
  }
})

test('what a client wrote is not said back to it beyond the name of a parameter', () => {
  const schema = Type.Object({ secret: Type.Integer() })
  expect(() => checkRequest(schema, { secret: 'Zwetschgenknoedel' })).toThrow(expect.not.stringContaining('Zwetschgenknoedel') as string)
})
