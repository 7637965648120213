// Real vLLM behind the cloud, judged through it by the official package of OpenAI, and by the chat of the app.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { changeOrganisation } from '../../database/organisations.ts'
import { chatClient, question, textOf } from '../testing/chat-client.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'
import { startVllm, type Vllm, VLLM_MODEL, vllmIsHere } from '../testing/vllm/vllm.ts'
import { ranks } from './models.ts'

describe.skipIf(!vllmIsHere())('with real vLLM', () => {
  let vllm: Vllm
  let cloud: TestCloud
  let token: string
  let client: OpenAI
  beforeAll(async () => {
    vllm = await startVllm()
    cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify([{ url: vllm.url, apiKey: vllm.apiKey }]) } })
    await cloud.parts.models.looked
    token = await cloud.signIn()
    client = new OpenAI({ baseURL: `${cloud.url}/v1`, apiKey: token, maxRetries: 0 })
  })
  afterAll(async () => {
    await cloud.close()
    await vllm.close()
  })

  const turns = [{ role: 'user' as const, content: 'What is Fusion?' }]
  const ask = { model: VLLM_MODEL, messages: turns, temperature: 0, max_tokens: 20, ignore_eos: true }

  async function running(): Promise<number> {
    const reply = await fetch(`${vllm.url}/metrics`)
    return Number(/^vllm:num_requests_running\{[^}]*\} (\d+)/m.exec(await reply.text())?.[1])
  }

  test('its model is listed with its window', () => {
    expect(cloud.parts.models.list()).toMatchObject([{ id: VLLM_MODEL, max_model_len: 1024, fusion: { state: 'ready' } }])
  })

  test('a question is answered whole and as a stream, and counted', async () => {
    const whole = await client.chat.completions.create(ask)
    expect(whole.usage!.completion_tokens).toBe(20)
    let text = ''
    const usage = []
    const options = { stream: true, stream_options: { include_usage: true } } as const
    for await (const chunk of await client.chat.completions.create({ ...ask, ...options })) {
      text += chunk.choices[0]?.delta.content ?? ''
      if (chunk.usage) usage.push(chunk.usage)
    }
    expect(text).toBe(whole.choices[0]!.message.content)
    expect(usage.at(-1)).toMatchObject({ prompt_tokens: whole.usage!.prompt_tokens, completion_tokens: 20 })
  })

  test('a prompt is counted by its own tokenizer, as it is computed', async () => {
    const wanted = { model: VLLM_MODEL, who: 'somebody', rank: ranks.person, blocks: [] }
    const { at, leave } = await cloud.parts.models.seat(wanted, { signal: AbortSignal.timeout(60_000) })
    const whole = await client.chat.completions.create(ask)
    const asked = { model: VLLM_MODEL, messages: turns, continued: false }
    expect(await at.server.countTokens(asked, AbortSignal.timeout(60_000))).toEqual({ tokens: whole.usage!.prompt_tokens, window: 1024 })
    leave()
  })

  test('completions go on from token ids, and responses are answered', async () => {
    const more = { ...ask, return_token_ids: true }
    const whole = (await client.chat.completions.create(more)) as unknown as {
      prompt_token_ids: number[]
      choices: { token_ids: number[] }[]
    }
    const tokens = whole.choices[0]!.token_ids
    const rest = (await client.completions.create({
      model: VLLM_MODEL,
      prompt: [...whole.prompt_token_ids, ...tokens.slice(0, 5)],
      temperature: 0,
      max_tokens: 15,
      ignore_eos: true,
      return_token_ids: true,
    } as OpenAI.CompletionCreateParamsNonStreaming)) as unknown as { choices: { token_ids: number[] }[] }
    expect(rest.choices[0]!.token_ids).toEqual(tokens.slice(5))
    const asked = { model: VLLM_MODEL, input: 'What is Fusion?', temperature: 0, max_output_tokens: 8, stream: true } as const
    const types: string[] = []
    for await (const { type } of await client.responses.create(asked)) types.push(type)
    expect(types[0]).toBe('response.created')
    expect(types.at(-1)).toMatch(/^response\.(?:completed|incomplete)$/)
  })

  test('closing the connection ends the computing', async () => {
    const stream = await client.chat.completions.create({ ...ask, max_tokens: 900, stream: true })
    for await (const _ of stream) break
    await expect.poll(running).toBe(0)
  })

  test("what it refuses is told in its words, without its places; a prompt too long is the client's fault", async () => {
    const long = [{ role: 'user' as const, content: 'x'.repeat(2000) }]
    await expect(client.chat.completions.create({ ...ask, messages: long })).rejects.toMatchObject({ status: 400 })
    await expect(client.chat.completions.create({ ...ask, temperature: -1 })).rejects.toMatchObject({ status: 400 })
    await expect(client.embeddings.create({ model: VLLM_MODEL, input: 'x' })).rejects.toMatchObject({ status: 501 })
  })

  test("the organisation's words stand before, and the app's chat is answered and counted", async () => {
    const before = await client.chat.completions.create(ask)
    await changeOrganisation(cloud.database, cloud.organisation.id, { systemPrompt: 'Be brief.' })
    const user = await cloud.makeUser()
    expect(user.organisationId).toBe(cloud.organisation.id)
    const longer = before.usage!.prompt_tokens + 'system: Be brief.\n'.length
    // What an organisation says is known for two seconds.
    await expect.poll(async () => (await client.chat.completions.create(ask)).usage!.prompt_tokens, { timeout: 10_000 }).toBe(longer)
    const request = question(VLLM_MODEL, {
      prompt: { messages: [{ role: 'user', text: 'What is Fusion?' }] },
      sampling: { temperature: 0, maxTokens: 20 },
    })
    const events = await (await chatClient(cloud.url, token).ask(request)).rest()
    const end = events.at(-1)!.event
    expect(end.type === 'generation-finish' && end.usage.promptTokens).toBe(longer)
    expect(typeof textOf(events)).toBe('string')
  })
})

describe.skipIf(!vllmIsHere())('with two real vLLMs', () => {
  const running: Vllm[] = []
  let cloud: TestCloud
  beforeAll(async () => {
    for (let count = 0; count < 2; count++) running.push(await startVllm())
    cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify(running.map(({ url, apiKey }) => ({ url, apiKey }))) } })
    await cloud.parts.models.looked
  }, 600_000)
  afterAll(async () => {
    await cloud.close()
    for (const vllm of running) await vllm.close()
  })

  /** Two cores for all of it: a server may have made its whole answer when its first words are read here. */
  const TRIES = 20
  /** Whether there was one that was at an answer. */
  function killBusy(): boolean {
    const busy = cloud.parts.models.servers().findIndex(({ inFlight }) => inFlight > 0)
    if (busy >= 0) running[busy]!.kill()
    return busy >= 0
  }

  test('an answer whose server is killed goes on at the other, and is the same as undisturbed', async () => {
    const client = chatClient(cloud.url, await cloud.signIn())
    const ask = () => question(VLLM_MODEL, { sampling: { temperature: 0, maxTokens: 900 } })
    const undisturbed = await (await client.ask(ask())).rest()

    let whole: Awaited<ReturnType<typeof follow>> = []
    async function follow() {
      const following = await client.ask(ask())
      const first = await following.until(event => event.type === 'text-delta')
      killed = killBusy()
      return [...first, ...(await following.rest())]
    }
    let killed = false
    for (let tries = 0; tries < TRIES && !killed; tries++) whole = await follow()
    expect(killed).toBe(true)
    expect(textOf(whole)).toBe(textOf(undisturbed))
    expect(whole.map(({ event }) => event.type)).toContain('request-retry')
    const [end, other] = [whole.at(-1)!.event, undisturbed.at(-1)!.event]
    expect(end.type === 'generation-finish' && end.usage.completionTokens).toBe(
      other.type === 'generation-finish' && other.usage.completionTokens,
    )
  })

  const program = async () => new OpenAI({ baseURL: `${cloud.url}/v1`, apiKey: await cloud.signIn(), maxRetries: 0 })
  const asked = {
    model: VLLM_MODEL,
    messages: [{ role: 'user' as const, content: 'What is Fusion?' }],
    temperature: 0,
    max_tokens: 60,
    ignore_eos: true,
    stream: true as const,
    stream_options: { include_usage: true },
  }
  async function read(client: OpenAI, more: object = {}, onChunk: (count: number) => void = () => {}) {
    let [text, tokens, finish, count] = ['', 0, '', 0]
    for await (const chunk of await client.chat.completions.create({ ...asked, ...more })) {
      text += chunk.choices[0]?.delta.content ?? ''
      finish = chunk.choices[0]?.finish_reason ?? finish
      tokens = chunk.usage?.completion_tokens ?? tokens
      onChunk(++count)
    }
    return { text, tokens, finish }
  }

  test('the official client sees one whole, correct stream, while the server that answers is killed', async () => {
    // One was killed above: another takes its place.
    const alive = running.findIndex((_, index) => cloud.parts.models.servers()[index]?.up)
    const fresh = await startVllm()
    running[1 - alive] = fresh
    cloud.parts.models.setServers(running.map(({ url, apiKey }) => ({ url, apiKey })))
    await cloud.parts.models.looked
    const client = await program()
    const undisturbed = await read(client, { max_tokens: 800 })
    expect(undisturbed).toMatchObject({ tokens: 800, finish: 'length' })
    async function readAndKill(): Promise<boolean> {
      let killed = false
      const told = await read(client, { max_tokens: 800 }, count => {
        if (count > 1 && !killed) killed = killBusy()
      })
      expect(told).toEqual(undisturbed)
      return killed
    }
    for (let tries = 1; !(await readAndKill()); tries++) expect(tries).toBeLessThan(TRIES)
    expect(cloud.parts.models.servers().filter(({ up }) => up)).toHaveLength(1)
  }, 600_000)

  test('cut off at every token of a short answer, and again and again, it is the same as undisturbed', async () => {
    const alive = running[cloud.parts.models.servers().findIndex(({ up }) => up)]!
    const cutting = await startCuttingProxy(alive.url)
    const servers = Array.from({ length: 4 }, (_, index) => ({ url: `${cutting.url}/${index}`, apiKey: alive.apiKey }))
    cloud.parts.models.setServers(servers)
    await cloud.parts.models.looked
    const client = await program()
    const tokens = 24
    const more = { max_tokens: tokens }
    const undisturbed = await read(client, more)
    const ready = () =>
      expect.poll(() => cloud.parts.models.servers().filter(({ up }) => up).length, { timeout: 60_000 }).toBe(servers.length)
    for (let at = 1; at < tokens; at++) {
      await ready()
      cutting.cutOnceAfter(at)
      expect([at, await read(client, more)]).toEqual([at, undisturbed])
    }
    await ready()
    cutting.cutAlwaysAfter(4)
    expect(await read(client, more)).toEqual(undisturbed)
    cutting.close()
  }, 600_000)
})

/** Before a server: breaks connections of streams off after so many events with text. Each path that begins with a number is a server of its own. */
async function startCuttingProxy(url: string) {
  let once_: number | undefined
  let always: number | undefined
  const server = createServer((request, response) => {
    void pass().catch(() => response.destroy())
    async function pass(): Promise<void> {
      let body = ''
      for await (const data of request.setEncoding('utf8')) body += data
      const reply = await fetch(url + request.url!.replace(/^\/\d+/, ''), {
        method: request.method!,
        headers: { authorization: request.headers.authorization!, 'content-type': 'application/json' },
        ...(body !== '' && { body }),
      })
      response.writeHead(reply.status, { 'content-type': reply.headers.get('content-type') ?? '' })
      const streams = body.includes('"stream":true')
      const after = streams ? (once_ ?? always) : undefined
      if (streams) once_ = undefined
      let events = 0
      for await (const bytes of reply.body!) {
        const text = Buffer.from(bytes).toString()
        events += text.split('"token_ids":[').length - 1 - (text.includes('"prompt_token_ids":[') ? 1 : 0)
        response.write(bytes)
        if (after !== undefined && events >= after) return void response.write('', () => response.destroy())
      }
      response.end()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutOnceAfter: (count: number) => void (once_ = count),
    cutAlwaysAfter: (count: number) => void (always = count),
    close: () => server.close(),
  }
}
