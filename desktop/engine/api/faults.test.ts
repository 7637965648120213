import { copyFileSync, mkdirSync, rmSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { acquire, guide, guideId, programOf, testFolder, until } from '../models/testing/models.ts'
import { addEndlessModel } from '../../../models/guide/testing/endless-model.ts'
import { endInferenceOf } from '../testing/test-engine.ts'
import { GUIDE, question, readAll, type TestApi, testApi } from '../testing/test-api.ts'

const CHAT = '/v1/chat/completions'
const ENDLESS = 'endless'

/** With a model whose answers do not end by themselves, loaded already. */
async function endlessApi(): Promise<TestApi & { talk: (more?: object) => object; modelId: string }> {
  const made = await testApi({ bundledFolder: dirname(addEndlessModel(testFolder())) })
  await until(made.models, () => made.models.state().entries.length > 0)
  const modelId = made.models.state().entries[0]!.id
  const loaded = await acquire(made.models, modelId)
  loaded.release()
  return { ...made, modelId, talk: more => ({ ...question('Tell me a story', more), model: ENDLESS }) }
}

/** Resolves when the process of the model computes so many answers. */
async function untilComputing({ models }: TestApi, modelId: string, count: number): Promise<{ usedTokens: number }> {
  for (;;) {
    const stats = await models.ready(modelId)!.client.process.stats({})
    if (stats.running === count) return stats
  }
}

test('when a client goes away in mid stream, its answer ends within 100 ms', async () => {
  const made = await endlessApi()
  const times: number[] = []
  // Of three, one at least finds a machine with nothing else to do.
  for (let time = 0; time < 3; time++) {
    const { events, leave } = await made.stream(CHAT, made.talk())
    for (let count = 0; count < 3; count++) await events.next()
    await untilComputing(made, made.modelId, 1)
    const leftAt = performance.now()
    leave()
    const { usedTokens } = await untilComputing(made, made.modelId, 0)
    times.push(performance.now() - leftAt)
    expect(usedTokens).toBeLessThan(made.models.ready(made.modelId)!.loaded.contextTokens)
    await made.until(({ running }) => running === 0)
  }
  expect(Math.min(...times)).toBeLessThan(100)
  expect((await made.ask('/metrics')).body).toContain('vllm:request_success_total{model_name="endless",finished_reason="abort"} 3')
})

test('when a client goes away while its prompt is computed, computing ends with the batch under way', async () => {
  const made = await endlessApi()
  const gone = new AbortController()
  const body = JSON.stringify(made.talk({ messages: [{ role: 'user', content: 'a b c d e f g '.repeat(1000) }] }))
  const headers = { authorization: 'Bearer a-key-of-the-environment', 'content-type': 'application/json' }
  const asking = fetch(`http://127.0.0.1:${made.port}${CHAT}`, { method: 'POST', headers, body, signal: gone.signal })
  await untilComputing(made, made.modelId, 1)
  gone.abort()
  await expect(asking).rejects.toThrow()
  const { usedTokens } = await untilComputing(made, made.modelId, 0)
  // All of it are more than 7,000.
  expect(usedTokens).toBeLessThan(6000)
  await made.until(({ running }) => running === 0)
})

test('a client that goes away while it waits leaves the line', async () => {
  const made = await endlessApi()
  const { sequences } = made.models.ready(made.modelId)!.loaded
  const talking = await Promise.all(Array.from({ length: sequences }, () => made.stream(CHAT, made.talk())))
  const gone = new AbortController()
  const asking = fetch(`http://127.0.0.1:${made.port}${CHAT}`, {
    method: 'POST',
    headers: { authorization: 'Bearer a-key-of-the-environment', 'content-type': 'application/json' },
    body: JSON.stringify(made.talk()),
    signal: gone.signal,
  })
  await made.until(({ waiting }) => waiting === 1)
  gone.abort()
  await expect(asking).rejects.toThrow()
  await made.until(({ waiting }) => waiting === 0)
  expect((await made.ask('/metrics')).body).toContain('vllm:request_success_total{model_name="endless",finished_reason="abort"} 1')
  for (const { leave } of talking) leave()
})

test('64 requests on a model with four places are all answered; keys take turns, and a person goes before all that wait', async () => {
  const made = await testApi({ program: programOf('four-at-once.ts') })
  const { ask, storage, models } = made
  await ask('/v1/models')
  const loaded = await acquire(models, guideId)
  expect(loaded.loaded.sequences).toBe(4)
  const order: string[] = []
  const [many, few] = ['many', 'few'].map(name => ({ name, ...storage.apiKeys.make({ name, cloud: false }) }))
  async function request({ name, secret }: { name: string; secret: string }): Promise<unknown> {
    const { body } = await ask(CHAT, {
      headers: { authorization: `Bearer ${secret}` },
      body: question(undefined, { ignore_eos: true, max_tokens: 40 }),
    })
    order.push(name)
    return body
  }
  const answers = Array.from({ length: 61 }, () => request(many!))
  // On a slow machine some have their answers before the last has asked.
  await made.until(({ running, waiting }) => running === 4 && waiting + order.length === 57)
  answers.push(...Array.from({ length: 3 }, () => request(few!)))
  await made.until(({ waiting }) => waiting + order.length >= 60)
  const before = order.length
  for await (const event of loaded.client.chat.generate({
    chatId: 'a-person',
    prompt: { messages: [{ role: 'user', text: 'How do I delete a chat?' }] },
    sampling: { temperature: 0, maxTokens: 40 },
    priority: 0,
  })) {
    if (event.type === 'answer-finished') order.push('person')
  }
  const bodies = await Promise.all(answers)
  expect(bodies).toHaveLength(64)
  for (const body of bodies) expect(body).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 40 } })
  // Four were under way when the person asked, and four could end meanwhile.
  expect(order.indexOf('person')).toBeLessThan(before + 9)
  expect(order.lastIndexOf('few')).toBeLessThan(before + 24)
})

test('a person is answered while programs hold all the places, and their answers go on', async () => {
  const made = await endlessApi()
  const { client, loaded } = made.models.ready(made.modelId)!
  const talking = await Promise.all(Array.from({ length: loaded.sequences }, () => made.stream(CHAT, made.talk())))
  await untilComputing(made, made.modelId, loaded.sequences)
  const events: string[] = []
  for await (const { type } of client.chat.generate({
    chatId: 'a-person',
    prompt: { messages: [{ role: 'user', text: 'Tell me a story' }] },
    sampling: { temperature: 0, maxTokens: 5 },
    priority: 0,
  })) {
    events.push(type)
  }
  expect(events.at(-1)).toBe('answer-finished')
  expect(made.api.state().running).toBe(loaded.sequences)
  for (const { events: going } of talking) expect(await going.next()).toMatchObject({ done: false })
  for (const { leave } of talking) leave()
})

test('when too many wait, the next one is told to come again, and is answered then', async () => {
  const made = await endlessApi()
  const { sequences } = made.models.ready(made.modelId)!.loaded
  const talking = await Promise.all(Array.from({ length: sequences }, () => made.stream(CHAT, made.talk())))
  const gone = new AbortController()
  const waiting = Array.from({ length: 256 }, () =>
    fetch(`http://127.0.0.1:${made.port}${CHAT}`, {
      method: 'POST',
      headers: { authorization: 'Bearer a-key-of-the-environment', 'content-type': 'application/json' },
      body: JSON.stringify(made.talk()),
      signal: gone.signal,
    }),
  )
  await made.until(state => state.waiting === 256)
  const refused = await made.ask(CHAT, { body: made.talk() })
  expect(refused).toMatchObject({
    status: 429,
    headers: { 'retry-after': '1' },
    body: { error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' } },
  })
  gone.abort()
  await Promise.allSettled(waiting)
  await made.until(state => state.waiting === 0)
  for (const { leave } of talking) leave()
  expect((await made.ask(CHAT, { body: made.talk({ max_tokens: 3 }) })).status).toBe(200)
})

test('a model that crashes under a request ends it with a 503, and the next request is answered by a new process', async () => {
  const made = await endlessApi()
  const asking = made.ask(CHAT, { body: made.talk() })
  await untilComputing(made, made.modelId, 1)
  endInferenceOf(process.pid)
  expect(await asking).toMatchObject({
    status: 503,
    headers: { 'retry-after': '1' },
    body: { error: { type: 'server_error', code: 'model_crashed' } },
  })
  expect(await made.ask(CHAT, { body: made.talk({ max_tokens: 3 }) })).toMatchObject({ status: 200 })
})

test('a model that crashes in mid stream ends it with an event that says so, and with nothing that says that all went well', async () => {
  const made = await endlessApi()
  const chat = await made.stream(CHAT, made.talk())
  const response = await made.stream('/v1/responses', { model: ENDLESS, input: 'Tell me a story' })
  await chat.events.next()
  await response.events.next()
  endInferenceOf(process.pid)
  expect((await readAll(chat)).last).toMatchObject({ error: { type: 'server_error', code: 'model_crashed' } })
  expect((await readAll(response)).last).toMatchObject({
    type: 'response.failed',
    response: { status: 'failed', error: { code: 'model_crashed' } },
  })
  expect(made.logged.filter(line => line.includes('"error":"model-crashed"'))).toHaveLength(2)
  expect(await made.ask(CHAT, { body: made.talk({ max_tokens: 3 }) })).toMatchObject({ status: 200 })
})

test('a model whose file is deleted answers to the end, and is not there for the next request', async () => {
  const folder = testFolder()
  mkdirSync(join(folder, 'models'))
  const file = join(folder, 'models/mine.gguf')
  copyFileSync(guide, file)
  // A file that has only just changed is waited for: it may still be growing.
  utimesSync(file, 0, 0)
  const { models, stream, ask } = await testApi({ folder, bundledFolder: join(folder, 'none') })
  await until(models, () => models.state().entries.length === 1)
  const mine = question('How do I delete a chat?', { model: 'mine' })
  const answer = await stream(CHAT, mine)
  await answer.events.next()
  rmSync(file)
  await until(models, () => models.state().entries.length === 0)
  expect(await readAll(answer)).toMatchObject({ text: expect.stringContaining('Delete'), last: '[DONE]' })
  expect(await ask(CHAT, { body: mine })).toMatchObject({ status: 404, body: { error: { code: 'model_not_found' } } })
  expect(await ask('/v1/models')).toMatchObject({ body: { data: [] } })
})

test('a client that does not read holds up nobody, and finds all of it when it reads on', async () => {
  const made = await endlessApi()
  // With twenty others beside each token, it is more than the system takes for one that does not read.
  const much = { logprobs: true, top_logprobs: 20, max_tokens: 3000, stream_options: { include_usage: true } }
  const slow = await made.stream(CHAT, made.talk(much))
  slow.response.pause()
  // Computed to the end, while the client has read next to nothing of it.
  await untilComputing(made, made.modelId, 0)
  expect(made.api.state().running).toBe(1)
  expect(await made.ask(CHAT, { body: made.talk({ max_tokens: 3 }) })).toMatchObject({ status: 200 })
  let tokens = 0
  let usage: unknown
  for await (const event of slow.events) {
    const { choices, usage: told } = event as { choices?: { logprobs: { content: unknown[] } | null }[]; usage?: unknown }
    tokens += choices?.[0]?.logprobs?.content.length ?? 0
    usage = told ?? usage
  }
  expect(tokens).toBe(3000)
  expect(usage).toMatchObject({ completion_tokens: 3000 })
})

test('each of two servers has keys of its own', async () => {
  const [one, two] = [await testApi(), await testApi()]
  const { secret } = one.storage.apiKeys.make({ name: 'Editor', cloud: false })
  const headers = { authorization: `Bearer ${secret}` }
  expect((await one.ask(`/v1/models/${GUIDE}`, { headers })).status).toBe(200)
  expect((await two.ask(`/v1/models/${GUIDE}`, { headers })).status).toBe(401)
})
