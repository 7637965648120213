// What goes wrong between a program and a model server; the server's answers are written here, piece by piece.
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { changeOrganisation } from '../../database/organisations.ts'
import { MODEL, startScriptedServer, type ScriptedAnswer, type ScriptedServer } from '../testing/scripted-server.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

let server: ScriptedServer
let cloud: TestCloud
let token: string
let userId: string

beforeAll(async () => {
  server = await startScriptedServer()
})
afterAll(() => server.close())
// Each with a cloud of its own: one server after the other that breaks off is left alone for longer and longer.
beforeEach(async () => {
  cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify([{ url: server.url }]) } })
  await cloud.parts.models.looked
  const user = await cloud.makeUser({ email: 'somebody@example.org' })
  userId = user.id
  token = await cloud.signIn('somebody@example.org')
})
afterEach(async () => {
  await expect.poll(() => cloud.parts.models.servers()[0]!.inFlight).toBe(0)
  await cloud.close()
})

const asked = { model: MODEL, messages: [{ role: 'user', content: 'What is Fusion?' }] }

function post(body: unknown, { path = '/v1/chat/completions', signal }: { path?: string; signal?: AbortSignal } = {}): Promise<Response> {
  return fetch(cloud.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal && { signal }),
  })
}

async function told(reply: Response) {
  const { error } = (await reply.json()) as { error: { code: string; message: string } }
  return { status: reply.status, code: error.code }
}

/** An answer as a stream that has begun, with its text so far read. */
async function begun(): Promise<{ answer: ScriptedAnswer; rest: () => Promise<string> }> {
  const reply = post({ ...asked, stream: true })
  const answer = await server.next()
  answer.say('Fu')
  const text = (await reply).body!.pipeThrough(new TextDecoderStream()).getReader()
  let all = (await text.read()).value ?? ''
  return {
    answer,
    async rest() {
      for (let piece = await text.read(); !piece.done; piece = await text.read()) all += piece.value
      return all
    },
  }
}

test('a server that dies before its first piece is told by status', async () => {
  const reply = post({ ...asked, stream: true })
  ;(await server.next()).drop()
  // It is asked once more when it is there again; a request that broke it twice is asked of nobody else.
  ;(await server.next()).drop()
  expect(await told(await reply)).toEqual({ status: 502, code: 'model_server_lost' })
})

test.for<[string, (answer: ScriptedAnswer) => void]>([
  ['dies', answer => answer.drop()],
  ['sends what is no JSON', answer => answer.raw('data: {"choices"\n\n')],
  ['sends what is no text', answer => answer.raw(new Uint8Array([0xff, 0xfe, 0x0a]))],
  ['ends without saying so', answer => answer.end()],
  ['tells an error with places of its own', answer => answer.raw('data: {"error":{"message":"at /opt/secret/place","code":500}}\n\n')],
])('a server that %s in the middle ends the stream with an error, in our words', async ([, breaks]) => {
  const { answer, rest } = await begun()
  breaks(answer)
  const all = await rest()
  expect(all).toContain('"Fu"')
  expect(all).toMatch(/"code":"model_server_(?:lost|refused)"/)
  expect(all).not.toMatch(/\[DONE\]|secret|127\.0\.0\.1/)
})

test('the official client throws where the stream breaks off', async () => {
  const client = new OpenAI({ baseURL: `${cloud.url}/v1`, apiKey: token, maxRetries: 0 })
  const asking = client.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content: 'x' }], stream: true })
  const answer = await server.next()
  answer.say('Fu')
  const stream = await asking
  answer.drop()
  const read = async () => {
    for await (const _ of stream);
  }
  await expect(read()).rejects.toMatchObject({ code: 'model_server_lost' })
})

test('a client that leaves is a cancel at the model server, before the first piece and after it', async () => {
  const leaving = new AbortController()
  const reply = post({ ...asked, stream: true }, { signal: leaving.signal })
  const waiting = await server.next()
  leaving.abort()
  await expect(reply).rejects.toThrow('aborted')
  await waiting.gone

  const whole = new AbortController()
  const other = post(asked, { signal: whole.signal })
  const computing = await server.next()
  whole.abort()
  await expect(other).rejects.toThrow('aborted')
  await computing.gone
})

test('a client that takes nothing holds up the model server, and its leaving ends it', async () => {
  const leaving = new AbortController()
  const reply = post({ ...asked, stream: true }, { signal: leaving.signal })
  const answer = await server.next()
  answer.say('x'.repeat(1_000_000))
  await reply
  // More than all buffers on the way hold: it ends only if the waiting does.
  for (let piece = 0; piece < 30; piece++) answer.say('x'.repeat(1_000_000))
  leaving.abort()
  await answer.gone
})

test('wrong requests are refused in words, and none of them reaches a model server', async () => {
  expect(await told(await post('{"model":'))).toMatchObject({ status: 400 })
  expect(await told(await post({ messages: asked.messages }))).toMatchObject({ status: 400 })
  expect(await told(await post({ ...asked, model: 'another' }))).toEqual({ status: 404, code: 'model_not_found' })
  expect(await told(await post(`"${'x'.repeat(16_000_001)}"`))).toMatchObject({ status: 413 })
  const inside = { type: 'image_url', image_url: { url: 'http://169.254.169.254/latest' } }
  expect(await told(await post({ ...asked, messages: [{ role: 'user', content: [inside] }] }))).toEqual({
    status: 400,
    code: 'invalid_value',
  })
  const kept = { model: MODEL, input: 'And then?', previous_response_id: 'resp_of_another' }
  expect(await told(await post(kept, { path: '/v1/responses' }))).toEqual({ status: 400, code: 'unsupported_parameter' })
  expect(cloud.parts.models.servers()[0]!.inFlight).toBe(0)
})

test("a request goes on with its owner's salt and the organisation's words, and without what is not a tenant's to say", async () => {
  await changeOrganisation(cloud.database, cloud.organisation.id, { systemPrompt: 'Be brief.' })
  const sent = async (body: object, path?: string) => {
    const reply = post({ ...body, stream: true }, path === undefined ? {} : { path })
    const answer = await server.next()
    answer.finish()
    await (await reply).text()
    return answer.body
  }
  const more = { cache_salt: 'another', priority: -9, request_id: 'x', kv_transfer_params: {}, top_k: 3, unheard_of: [1] }
  expect(await sent({ ...asked, ...more })).toEqual({
    model: MODEL,
    messages: [{ role: 'system', content: 'Be brief.' }, ...asked.messages],
    top_k: 3,
    unheard_of: [1],
    cache_salt: userId,
    stream: true,
    stream_options: { include_usage: true },
    return_token_ids: true,
  })
  const own = [{ role: 'system', content: 'You are a poet.' }, ...asked.messages]
  expect((await sent({ ...asked, messages: own }))['messages']).toEqual([
    { role: 'system', content: 'Be brief.\n\nYou are a poet.' },
    ...asked.messages,
  ])
  expect(await sent({ model: MODEL, prompt: 'Fusion is' }, '/v1/completions')).toMatchObject({ prompt: 'Fusion is' })
  await changeOrganisation(cloud.database, cloud.organisation.id, { systemPrompt: null })
})

test('a limit of another route is none, and takes no server away from anybody', async () => {
  const reply = post({ model: MODEL, prompt: 'x', stream: true, max_tokens: 10, max_completion_tokens: 1 }, { path: '/v1/completions' })
  const answer = await server.next()
  for (const word of ['One ', 'two ', 'three']) answer.say(word)
  answer.finish()
  const all = await (await reply).text()
  expect(all).toContain('three')
  expect(all).toContain('[DONE]')
  expect(cloud.parts.models.servers()[0]!.up).toBe(true)
})

test('token ids that nobody asked for are not told, however they are written, and words that look like them are', async () => {
  const choice = (more: string, text = 'a') => `{"index":0,"delta":{"content":${JSON.stringify(text)}},"finish_reason":null${more}}`
  const lookalikes = [`,"token_ids":[1,2]`, `"token_ids": null`, `token_ids`, `\\,"prompt_token_ids":[3]`, `\\`]
  const chunks = [
    `{"model":"${MODEL}","choices":[${choice(',"token_ids":[7],"prompt_token_ids":null')}],"prompt_token_ids":[1,2,3],"usage":null}`,
    `{"model": "${MODEL}", "choices": [${choice(', "token_ids": [8, 9]')}], "prompt_token_ids": null, "unheard_of": [1]}`,
    // First, and in several lines.
    `{"prompt_token_ids":null,"model":"${MODEL}","choices":[{"token_ids":[10],"index":0,"delta":{"content":"a"}}]}`,
    `{"model":"${MODEL}",\ndata: "choices":[${choice(',"token_ids":[11]')}]}`,
    ...lookalikes.map(text => `{"model":"${MODEL}","choices":[${choice(',"token_ids":[12]', text)}]}`),
  ]
  const reply = post({ ...asked, stream: true })
  const answer = await server.next()
  for (const chunk of chunks) answer.raw(`data: ${chunk}\n\n`)
  answer.finish()
  const events = (await (await reply).text()).split('\n\n').flatMap(event => (event.startsWith('data: {') ? [event.slice(6)] : []))
  type Told = { choices: { delta: { content?: string }; token_ids?: unknown; prompt_token_ids?: unknown }[]; prompt_token_ids?: unknown }
  const all = events.map(event => JSON.parse(event) as Told)
  for (const one of [...all, ...all.flatMap(({ choices }) => choices)]) {
    expect(one).not.toHaveProperty('token_ids')
    expect(one).not.toHaveProperty('prompt_token_ids')
  }
  const said = all.map(({ choices }) => choices[0]?.delta.content)
  expect(said.slice(0, chunks.length)).toEqual(['a', 'a', 'a', 'a', ...lookalikes])
  expect(all[1]).toHaveProperty('unheard_of', [1])
})

test('a prompt that is to be echoed is asked for without token ids, with which vLLM leaves it out', async () => {
  const sent = async (body: object) => {
    const reply = post({ model: MODEL, prompt: 'x', stream: true, ...body }, { path: '/v1/completions' })
    const answer = await server.next()
    answer.finish()
    await (await reply).text()
    return answer.body['return_token_ids']
  }
  expect(await sent({})).toBe(true)
  expect(await sent({ echo: true })).toBeUndefined()
  expect(await sent({ echo: true, return_token_ids: true })).toBe(true)
})

test('a count that is no count is not taken: what came is counted, and stands in the ledger', async () => {
  const reply = post({ ...asked, stream: true })
  const answer = await server.next()
  answer.say('One')
  answer.raw(`data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\n`)
  answer.raw(`data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 1e300, completion_tokens: 1e300 } })}\n\ndata: [DONE]\n\n`)
  answer.end()
  expect(await (await reply).text()).toContain('[DONE]')
  const rows = () =>
    cloud.database.asUser(userId, tx =>
      tx.query<{ made: number; ended: string }>('select completion_tokens as made, ended from usage where user_id = fusion_user()'),
    )
  await expect.poll(rows).toEqual([{ made: 1, ended: 'complete' }])
})

test('a model whose name is no text is one that is not there', async () => {
  expect(await told(await post({ ...asked, model: 'half \ud800' }))).toEqual({ status: 404, code: 'model_not_found' })
})

test('an event of several lines is passed on as one', async () => {
  const reply = post({ model: MODEL, input: 'x', stream: true }, { path: '/v1/responses' })
  const answer = await server.next()
  answer.raw('data: {"type":"response.output_text.delta",\ndata: "delta":"One"}\n\n')
  answer.raw('data: {"type":"response.completed","response":{"usage":{"input_tokens":1,"output_tokens":1}}}\n\n')
  answer.end()
  const events = (await (await reply).text()).split('\n\n').filter(text => text.includes('data:'))
  const first = events[0]!.split('\n').filter(line => line !== '' && !line.startsWith('event:') && !line.startsWith(':'))
  expect(first.every(line => line.startsWith('data: '))).toBe(true)
  expect(JSON.parse(first.map(line => line.slice(6)).join('\n'))).toEqual({ type: 'response.output_text.delta', delta: 'One' })
})

test('another server is asked where one is gone', async () => {
  const [one, other] = [await startScriptedServer(), await startScriptedServer()]
  const both = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify([{ url: one.url }, { url: other.url }]) } })
  await both.parts.models.looked
  const client = new OpenAI({ baseURL: `${both.url}/v1`, apiKey: await both.signIn(), maxRetries: 0 })
  await one.close()
  const reply = client.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content: 'x' }], stream: true })
  const answer = await other.next()
  answer.say('Fusion')
  answer.finish()
  let text = ''
  for await (const chunk of await reply) text += chunk.choices[0]?.delta.content ?? ''
  expect(text).toBe('Fusion')
  await other.close()
  const none = client.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content: 'x' }] })
  await expect(none).rejects.toMatchObject({ status: expect.toSatisfy((status: number) => status === 502 || status === 503) })
  await both.close()
})

test('a server that hangs over embeddings is left as one that makes no token', async () => {
  const hangs = await startScriptedServer()
  const impatient = await startTestCloud({ env: { FUSION_FIRST_TOKEN_SECONDS: '1', MODEL_SERVERS: JSON.stringify([{ url: hangs.url }]) } })
  onTestFinished(async () => {
    await impatient.close()
    await hangs.close()
  })
  await impatient.parts.models.looked
  hangs.refuse('/v1/embeddings', 'never')
  const reply = await fetch(`${impatient.url}/v1/embeddings`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await impatient.signIn()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: MODEL, input: 'Words' }),
  })
  expect(reply.status).toBeGreaterThanOrEqual(500)
  expect(await reply.json()).toMatchObject({ error: { code: expect.stringMatching(/^model_server/) as string } })
})

const impatience = { FUSION_FIRST_TOKEN_SECONDS: '1', FUSION_NEXT_TOKEN_SECONDS: '1' }
const silence = () => new Promise(resolve => setTimeout(resolve, 3_500))

test.each([
  ['/v1/chat/completions', { ...asked, include_reasoning: false }],
  ['/v1/responses', { model: MODEL, input: 'What is Fusion?', include_reasoning: false }],
])('%s: a reasoning that is left out takes as long as it takes, at a server that makes tokens for others', async (path, body) => {
  const thinks = await startScriptedServer()
  const impatient = await startTestCloud({ env: { ...impatience, MODEL_SERVERS: JSON.stringify([{ url: thinks.url }]) } })
  onTestFinished(async () => {
    await impatient.close()
    await thinks.close()
  })
  await impatient.parts.models.looked
  const headers = { authorization: `Bearer ${await impatient.signIn()}`, 'content-type': 'application/json' }
  const ask = (more: object) =>
    fetch(impatient.url + path, { method: 'POST', headers, body: JSON.stringify({ ...body, stream: true, ...more }) })
  const reply = ask({})
  const answer = await thinks.next()
  await silence()
  if (path === '/v1/chat/completions') {
    answer.say('Fusion')
    // As vLLM thinks between two calls of tools.
    await silence()
    answer.finish()
  } else {
    answer.raw('data: {"type":"response.output_text.delta","delta":"Fusion"}\n\n')
    answer.raw('data: {"type":"response.completed","response":{"usage":{"input_tokens":1,"output_tokens":1}}}\n\n')
    answer.end()
  }
  expect(await (await reply).text()).toMatch(/"Fusion"[^]*(?:\[DONE\]|completed)/)
  expect(impatient.parts.models.servers()[0]!.up).toBe(true)
  // With the reasoning asked for, the same silence is a server that hangs.
  const told = ask({ include_reasoning: true })
  await (
    await thinks.next()
  ).gone
  await impatient.parts.models.close()
  expect((await told).status).toBeGreaterThanOrEqual(500)
})
