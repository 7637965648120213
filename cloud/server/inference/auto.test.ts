import { once } from 'node:events'
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { GenerationEvent, SocketMessage } from '@fusion/shared/contract/cloud/chat.ts'
import type { CloudModel } from '@fusion/shared/contract/cloud/models.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { createOrganisation } from '../../database/organisations.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chatClient, type ChatClient, question } from '../testing/chat-client.ts'
import { MODEL, type ScriptedServer, startScriptedServer } from '../testing/scripted-server.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

const HARD =
  'Prove it? And why?\n```\nlet x = 1;\nlet y = 2;\nlet z = x;\n```\n\\sum n^2 ≤ \\int x and \\frac{a}{b}? ' + 'x y '.repeat(3000)
const EASY = 'What is a tree?'
/** The difficult one is more than this holds, so there is a model of a middle size that holds it. */
const WINDOWS = { small: 2000, middle: 32_000, large: 32_000 }

interface Used {
  model: string
  requests: number
  stopped: number
  failed: number
}

let scripted: ScriptedServer
let front: Awaited<ReturnType<typeof startFront>>
let cloud: TestCloud
let token: string
let client: ChatClient

/** The scripted server as one that has several models, which it does not: it lists these, and answers by the name that it was asked for. */
async function startFront(models: { id: string; max_model_len: number }[], behind: string) {
  const server = createServer((asked, reply) => void pass(asked, reply)).listen(0, '127.0.0.1')
  async function pass(asked: IncomingMessage, reply: ServerResponse): Promise<void> {
    if (asked.url === '/v1/models') return void reply.end(JSON.stringify({ object: 'list', data: models }))
    const { method, headers } = asked
    const body = await text(asked)
    const { model } = JSON.parse(body || '{}') as { model?: string }
    const passed = httpRequest(behind + asked.url, { method, headers }, answer => {
      reply.writeHead(answer.statusCode!, answer.headers)
      reply.flushHeaders()
      answer.setEncoding('utf8')
      answer.on('data', (piece: string) => reply.write(piece.replaceAll(`"model":"${MODEL}"`, `"model":"${model}"`)))
      answer.on('end', () => reply.end())
      answer.on('error', () => reply.destroy())
    })
    passed.on('error', () => reply.destroy())
    reply.on('close', () => passed.destroy())
    passed.end(body)
  }
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

beforeAll(async () => {
  scripted = await startScriptedServer()
  const listed = [...Object.entries(WINDOWS), ['vectors', 64_000] as const].map(([id, max_model_len]) => ({ id, max_model_len }))
  front = await startFront(listed, scripted.url)
  const models = [
    { model: 'small', promptPrice: 0.1, completionPrice: 0.3, quality: 8 },
    { model: 'middle', promptPrice: 0.3, completionPrice: 0.9, quality: 14 },
    { model: 'large', promptPrice: 1, completionPrice: 3, quality: 70 },
    { model: 'vectors', auto: false },
  ]
  cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify([{ url: front.url }]), MODELS: JSON.stringify(models) } })
  await cloud.parts.models.looked
  token = await cloud.signIn()
  client = chatClient(cloud.url, token)
})
afterAll(async () => {
  await cloud.close()
  await front.close()
  await scripted.close()
})

const call = (method: string, path: string, body?: object, by = token) =>
  fetch(cloud.url + path, {
    method,
    headers: { authorization: `Bearer ${by}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
const listed = async (by = token) => ((await (await call('GET', '/v1/models', undefined, by)).json()) as { data: CloudModel[] }).data

/** Asks as a program does, lets the model answer with its name, and says what came back. */
async function ask(body: { model: string } & Record<string, unknown>, { path = '/v1/chat/completions', by = token } = {}) {
  const asking = call('POST', path, { stream: true, ...body }, by)
  const answer = await scripted.next()
  const model = String(answer.body['model'])
  if (path !== '/v1/responses') answer.say('one')
  else answer.raw('data: {"type":"response.completed","response":{"usage":null}}\n\n')
  answer.finish()
  const reply = await asking
  return { headers: reply.headers, text: await reply.text(), model }
}

const messages = (content: unknown) => ({ messages: [{ role: 'user', content }] })

test('`auto` is listed before the models, with the largest window that it can choose', async () => {
  expect((await listed()).map(({ id, max_model_len: window, fusion }) => [id, window, fusion.state])).toEqual([
    ['auto', 32_000, 'ready'],
    ['large', 32_000, 'ready'],
    ['middle', 32_000, 'ready'],
    ['small', 2000, 'ready'],
    ['vectors', 64_000, 'ready'],
  ])
  expect(await (await call('GET', '/v1/models/auto')).json()).toMatchObject({ id: 'auto', fusion: { name: 'Automatic' } })
})

test('a program that asks `auto` is answered by the model that suits, and told which and why', async () => {
  const easy = await ask({ model: 'auto', ...messages(EASY) })
  expect(easy.model).toBe('small')
  expect(easy.headers.get('x-fusion-model')).toBe('small')
  expect(easy.text).toContain('"model":"small"')
  expect(easy.headers.get('x-fusion-model-reason')).toBe('cheaper; small suits this as well as middle, and costs less.')

  const hard = await ask({ model: 'auto', ...messages(HARD) })
  expect(hard.model).toBe('large')
  expect(hard.headers.get('x-fusion-model-reason')).toBe(
    'suits-better; large suits a question as demanding as this one better than middle.',
  )
})

test('the wish for the best or for haste is a part of the name', async () => {
  expect((await ask({ model: 'auto:best', ...messages(EASY) })).model).toBe('large')
  const fast = await ask({ model: 'auto:fast', ...messages(HARD) })
  expect(fast.model).toBe('middle')
})

test('parts of a message, prompts and responses are judged by their text, and a limit of the answer counts', async () => {
  expect((await ask({ model: 'auto', ...messages([{ type: 'text', text: HARD }]) })).model).toBe('large')
  expect((await ask({ model: 'auto', prompt: EASY }, { path: '/v1/completions' })).model).toBe('small')
  expect((await ask({ model: 'auto', prompt: EASY, max_tokens: 1995 }, { path: '/v1/completions' })).model).toBe('middle')
  expect((await ask({ model: 'auto', input: [{ role: 'user', content: HARD }] }, { path: '/v1/responses' })).model).toBe('large')
})

test('who names a model gets it, without a word of why', async () => {
  const named = await ask({ model: 'middle', ...messages(EASY) })
  expect([named.model, named.headers.get('x-fusion-model')]).toEqual(['middle', null])
})

test('a prompt in tokens has to name its model, and so have embeddings', async () => {
  const tokens = await call('POST', '/v1/completions', { model: 'auto', prompt: [1, 2, 3] })
  expect([tokens.status, await tokens.json()]).toMatchObject([400, { error: { param: 'model' } }])
  const embeddings = await call('POST', '/v1/embeddings', { model: 'auto', input: 'x' })
  expect([embeddings.status, await embeddings.json()]).toMatchObject([404, { error: { code: 'model_not_found' } }])
})

test('what an organisation does not allow is neither chosen nor told of', async () => {
  const { id: organisationId } = await createOrganisation(cloud.database, 'Careful')
  const { email } = await cloud.makeUser({ role: 'admin', organisationId })
  const by = await cloud.signIn(email)
  const allow = (models: string[]) =>
    call('PUT', '/v1/admin/policy', { models, maskingRequired: false, budgets: { organisation: null, eachPerson: null } }, by)

  expect((await allow(['small', 'middle'])).status).toBe(200)
  const hard = await ask({ model: 'auto', ...messages(HARD) }, { by })
  expect(hard.headers.get('x-fusion-model-reason')).toBe('only-one; middle is the only model that can answer this now.')
  expect((await listed(by)).map(({ id }) => id)).toEqual(['auto', 'middle', 'small'])

  await allow(['small'])
  expect((await listed(by)).map(({ id }) => id)).toEqual(['small'])
  expect((await ask({ model: 'auto', ...messages(HARD) }, { by })).headers.get('x-fusion-model-reason')).toMatch(/^largest-window; /)

  await allow(['another'])
  const refused = await call('POST', '/v1/chat/completions', { model: 'auto', ...messages(EASY) }, by)
  expect([refused.status, await refused.json()]).toMatchObject([404, { error: { code: 'model_not_found' } }])
  // Each request is a row, also one for which nothing was chosen.
  const rows = async () => ((await (await call('GET', '/v1/usage', undefined, by)).json()) as { days: Used[] }).days
  const each = { stopped: 0, failed: 0, requests: 1 }
  await expect
    .poll(async () => (await rows()).map(({ model, requests, stopped, failed }) => ({ model, requests, stopped, failed })))
    .toEqual([
      { ...each, model: 'middle' },
      { ...each, model: 'none', failed: 1 },
      { ...each, model: 'small' },
    ])
})

test('an organisation says what a choice may cost, and what it prefers', async () => {
  const { id: organisationId } = await createOrganisation(cloud.database, 'Thrifty')
  const { email } = await cloud.makeUser({ role: 'admin', organisationId })
  const by = await cloud.signIn(email)
  const say = async (rules: object) => {
    const reply = await call('PUT', '/v1/admin/routing', rules, by)
    expect([reply.status, await reply.json()]).toEqual([200, rules])
  }
  expect(await (await call('GET', '/v1/admin/routing', undefined, by)).json()).toEqual({ dearest: null, preferred: [] })

  await say({ dearest: null, preferred: ['middle'] })
  const preferred = await ask({ model: 'auto', ...messages(EASY) }, { by })
  expect(preferred.headers.get('x-fusion-model-reason')).toBe('preferred; Your organisation prefers middle to small.')

  await say({ dearest: 1, preferred: [] })
  expect((await ask({ model: 'auto:best', ...messages(EASY) }, { by })).model).toBe('middle')
  await say({ dearest: 0.01, preferred: [] })
  const refused = await call('POST', '/v1/chat/completions', { model: 'auto', ...messages(EASY) }, by)
  expect([refused.status, await refused.json()]).toMatchObject([403, { error: { code: 'models_too_dear' } }])
  // It is the rule of a choice: who names a model has chosen.
  expect((await ask({ model: 'large', ...messages(EASY) }, { by })).model).toBe('large')

  const member = await cloud.signIn((await cloud.makeUser({ organisationId })).email)
  expect((await call('PUT', '/v1/admin/routing', { dearest: null, preferred: [] }, member)).status).toBe(403)
  // Of others it says nothing.
  expect((await ask({ model: 'auto', ...messages(EASY) })).model).toBe('small')
})

test('an answer of the app tells the model and the reason as it starts, and the ledger and its state name that model', async () => {
  const somebody = await cloud.makeUser()
  const by = await cloud.signIn(somebody.email)
  const theirs = chatClient(cloud.url, by)
  const request = question('auto')
  const following = await theirs.ask(request)
  const answer = await scripted.next()
  answer.say('one')
  answer.finish()
  const [first] = await following.rest()
  expect(first!.event).toMatchObject({
    type: 'generation-start',
    model: 'small',
    modelName: 'small',
    modelReason: { code: 'cheaper', model: 'small', than: 'middle' },
  })
  expect(await (await theirs.call('GET', `/v1/generations/${request.answer}`)).json()).toMatchObject({ model: 'small' })
  const models = async () => ((await (await call('GET', '/v1/usage', undefined, by)).json()) as { days: { model: string }[] }).days
  await expect.poll(async () => (await models()).map(({ model }) => model)).toEqual(['small'])
})

test('the same request again is the same answer, also where another model would be chosen now', async () => {
  const request = question('auto')
  const first = await client.ask(request)
  const answer = await scripted.next()
  const { list } = cloud.parts.models
  cloud.parts.models.list = () => list().filter(({ id }) => id !== 'small')
  try {
    const again = await client.ask(request)
    answer.say('one')
    answer.finish()
    const [one, other] = [await first.rest(), await again.rest()]
    expect(one[0]!.event).toMatchObject({ type: 'generation-start', model: 'small' })
    expect(other).toEqual(one)
    expect((await client.ask({ ...request, model: 'small' })).status).toBe(422)
  } finally {
    cloud.parts.models.list = list
  }
})

test('a question on the socket is answered by `auto` too, and one whose words the cloud keeps', async () => {
  const socket = new WebSocket(`${cloud.url.replace('http', 'ws')}/v1/chat/socket`)
  await once(socket, 'open')
  const started = new Promise<GenerationEvent>(resolve => {
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(data as string) as SocketMessage
      if (message.type === 'event' && message.event.type === 'generation-start') resolve(message.event)
    })
  })
  const conversation = newId()
  expect((await call('POST', '/v1/conversations', { id: conversation })).status).toBe(200)
  const { prompt: _, ...request } = question('auto', { conversation, question: { id: newId(), text: HARD } })
  socket.send(JSON.stringify({ type: 'hello', accessToken: token }))
  socket.send(JSON.stringify({ type: 'chat', request }))
  expect(await started).toMatchObject({ model: 'large', modelReason: { code: 'suits-better' } })
  const answer = await scripted.next()
  answer.finish()
  socket.close()
})

test('where no server answers, it is said so', async () => {
  const away = await startTestCloud()
  try {
    await away.parts.models.looked
    const reply = await fetch(`${away.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await away.signIn()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'auto', ...messages(EASY) }),
    })
    expect([reply.status, await reply.json()]).toMatchObject([503, { error: { code: 'model_servers_down' } }])
  } finally {
    await away.close()
  }
})
