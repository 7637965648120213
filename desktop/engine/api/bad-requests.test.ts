import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { ENVIRONMENT_KEY, GUIDE, question, testApi } from '../testing/test-api.ts'

const CHAT = '/v1/chat/completions'
const MIB = 1024 * 1024

/** What comes back on a connection that sends these pieces and waits until it is closed. */
async function sendRaw(port: number, ...pieces: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  onTestFinished(() => void socket.destroy())
  let text = ''
  socket.on('data', (piece: string) => (text += piece))
  // That the other side hangs up while one still writes is what is tested.
  socket.on('error', () => {})
  for (const piece of pieces) socket.write(piece)
  await new Promise(resolve => socket.once('close', resolve))
  return text
}

test('what is no JSON object is refused in words', async () => {
  const { ask } = await testApi()
  for (const body of ['{"model":', '', 'hello', '{"a":1}}', '\u0000']) {
    expect(await ask(CHAT, { body })).toMatchObject({
      status: 400,
      body: { error: { type: 'invalid_request_error', message: 'The body of the request is not valid JSON.' } },
    })
  }
  expect(await ask(CHAT, { body: [] })).toMatchObject({ status: 400, body: { error: { message: /must be a JSON object/ } } })
})

test('a body that is nested thousands of levels deep is refused, and one of a hundred schemas within one another is not', async () => {
  const { ask } = await testApi()
  const within = (levels: number) => {
    let schema: object = { type: 'boolean' }
    for (let level = 0; level < levels; level++) schema = { type: 'object', properties: { a: schema }, required: ['a'] }
    return question('a', { max_tokens: 1, response_format: { type: 'json_schema', json_schema: { name: 'a', schema } } })
  }
  const refused = { status: 400, body: { error: { message: /nested more than 250 deep/ } } }
  for (const body of [within(2000), `{"metadata":${'['.repeat(100_000)}${']'.repeat(100_000)}}`])
    expect(await ask(CHAT, { body })).toMatchObject(refused)
  expect(await ask(CHAT, { body: within(100) })).toMatchObject({ status: 200 })
})

test('bytes that are no text are refused', async () => {
  const { port } = await testApi()
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    path: CHAT,
    method: 'POST',
    headers: { authorization: `Bearer ${ENVIRONMENT_KEY}`, 'content-type': 'application/json' },
  })
  // A text of two bytes that no character begins with.
  request.end(Buffer.from('{"model":"\xc3\x28"}', 'latin1'))
  const [response] = await once(request, 'response')
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += chunk
  expect(JSON.parse(body)).toMatchObject({ error: { message: 'The body of the request is not valid JSON.' } })
})

test('a body of another type is refused: a form of a web page could send it unasked', async () => {
  const { ask } = await testApi()
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx']) {
    expect(await ask(CHAT, { headers: { 'content-type': type }, body: question() })).toMatchObject({ status: 415 })
  }
  for (const type of ['application/json; charset=utf-8', 'application/vnd.api+json']) {
    expect(await ask(CHAT, { headers: { 'content-type': type }, body: { ...question(), max_tokens: 1 } })).toMatchObject({ status: 200 })
  }
})

test('a body over 32 MB is refused, whether its length is said before or not, and the next request is answered', async () => {
  const { ask, port } = await testApi()
  const headers = { authorization: `Bearer ${ENVIRONMENT_KEY}`, 'content-type': 'application/json' }
  for (const length of [{ 'content-length': String(33 * MIB) }, { 'transfer-encoding': 'chunked' }]) {
    const request = httpRequest({ host: '127.0.0.1', port, path: CHAT, method: 'POST', headers: { ...headers, ...length } })
    request.on('error', () => {})
    const answered = once(request, 'response')
    const piece = Buffer.alloc(MIB, ' ')
    for (let sent = 0; sent < 33; sent++) request.write(piece)
    request.end()
    const [response] = await answered
    let body = ''
    for await (const chunk of response.setEncoding('utf8')) body += chunk
    expect(response.statusCode).toBe(413)
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'request_too_large' } })
  }
  expect((await ask('/v1/models')).status).toBe(200)
})

test('a request that comes drop by drop is closed after its time, whether its headers or its body are slow', async () => {
  const { port, ask, logged } = await testApi({ requestMs: 200 })
  const line = `POST ${CHAT} HTTP/1.1\r\nhost: 127.0.0.1\r\n`
  expect(await sendRaw(port, line)).toContain('408 Request Timeout')
  const headers = `${line}authorization: Bearer ${ENVIRONMENT_KEY}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n`
  expect(await sendRaw(port, headers, '{"model"')).toContain('408 Request Timeout')
  expect((await ask('/v1/models')).status).toBe(200)
  expect(logged.filter(text => text.includes('api request failed'))).toEqual([])
})

test('a flood of headers is refused, and no memory is kept for it', async () => {
  const { port, ask } = await testApi()
  const line = 'GET /v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\n'
  expect(await sendRaw(port, line, `x-flood: ${'a'.repeat(MIB)}\r\n`)).toContain('431 Request Header Fields Too Large')
  expect(await sendRaw(port, line, 'x: y\r\n'.repeat(100_000))).toContain('431 Request Header Fields Too Large')
  expect((await ask('/v1/models')).status).toBe(200)
})

test('what is unknown, missing or of the wrong kind is named with its place, as OpenAI names it', async () => {
  const { ask, logged } = await testApi()
  const cases: [path: string, body: object, status: number, code: string, param: string | null][] = [
    [CHAT, question('a', { temprature: 1 }), 400, 'unknown_parameter', 'temprature'],
    [CHAT, { model: GUIDE }, 400, 'missing_required_parameter', 'messages'],
    [CHAT, question('a', { temperature: 'hot' }), 400, 'invalid_value', 'temperature'],
    [CHAT, question('a', { n: 0 }), 400, 'invalid_value', 'n'],
    [CHAT, question('a', { stop: ['a', 'b'.repeat(1001)] }), 400, 'invalid_value', 'stop[1]'],
    [CHAT, question('a', { top_logprobs: 2 }), 400, 'invalid_value', 'top_logprobs'],
    [CHAT, question('a', { tool_choice: 'required' }), 400, 'invalid_value', 'tool_choice'],
    [CHAT, { ...question(), model: 'gpt-none' }, 404, 'model_not_found', 'model'],
    [CHAT, question('word '.repeat(3000)), 400, 'context_length_exceeded', null],
    [
      CHAT,
      { ...question(), messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }] }] },
      400,
      'unsupported_content',
      'messages[0].content[0]',
    ],
    ['/v1/completions', { model: GUIDE }, 400, 'missing_required_parameter', 'prompt'],
    ['/v1/completions', { model: GUIDE, prompt: Array.from({ length: 64 }, () => 'a'), n: 3 }, 400, 'invalid_value', 'n'],
    ['/v1/completions', { model: GUIDE, prompt: 7 }, 400, 'invalid_value', 'prompt'],
    ['/v1/completions', { model: GUIDE, prompt: [1_000_000] }, 400, 'invalid_token', null],
    ['/v1/responses', { model: GUIDE, input: 'a', previous_response_id: 'resp_1' }, 400, 'unsupported_parameter', 'previous_response_id'],
    ['/v1/responses', { model: GUIDE, input: [{ role: 'user' }], inptu: 'a' }, 400, 'unknown_parameter', 'inptu'],
    ['/v1/embeddings', { model: GUIDE, input: 'a' }, 501, 'no_embedding_model', null],
  ]
  const told = await Promise.all(
    cases.map(async ([path, body]) => {
      const { status, body: answer } = await ask(path, { body })
      const { code, param } = (answer as { error: { code: string; param: string | null } }).error
      return [path, body, status, code, param]
    }),
  )
  expect(told).toEqual(cases)
  // It is the client's to mend.
  expect(logged.filter(line => line.includes('api request failed'))).toEqual([])
})

test('calls of tools are read as they were written, also where their arguments are no JSON', async () => {
  const { ask } = await testApi()
  const written = (args: string, id = 'call_1') => ({
    ...question('a', { max_tokens: 2, tools: [{ type: 'function', function: { name: 'weather' } }] }),
    messages: [
      { role: 'user', content: 'a' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: args } }],
      },
      { role: 'tool', tool_call_id: id, content: 'Sunny.' },
    ],
  })
  for (const body of [written('{}'), written('not { JSON'), written(''), written('[1]'), written('{}', 'of-no-call')]) {
    expect(await ask(CHAT, { body })).toMatchObject({ status: 200 })
  }
})

test('a path or a method that is not there is told so', async () => {
  const { ask } = await testApi()
  for (const path of ['/v1', '/v1/chat', '/v1/chat/completions/x', '/v1/../v1/files', '/v1/files?a=b']) {
    expect(await ask(path)).toMatchObject({ status: 404, body: { error: { code: 'unknown_url' } } })
  }
  for (const [method, path] of [
    ['GET', CHAT],
    ['DELETE', `/v1/models/${GUIDE}`],
    ['PUT', '/v1/models'],
  ] as const) {
    expect(await ask(path, { method })).toMatchObject({ status: 405, body: { error: { code: 'method_not_allowed' } } })
  }
})

test('a model is told by its name, and a name that is none is not found, however it is written', async () => {
  const { ask } = await testApi()
  expect(await ask(`/v1/models/${GUIDE}`)).toMatchObject({ status: 200, body: { id: GUIDE, object: 'model' } })
  for (const name of ['none', '%zz', '%E0%A4%A', '..%2Fetc']) {
    expect(await ask(`/v1/models/${name}`)).toMatchObject({ status: 404, body: { error: { code: 'model_not_found' } } })
  }
})
