// A server of ours that dies in the middle of an answer: another one goes on from what was told, and the client sees one whole answer.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type MockVllm, MOCK_MODEL, startMockVllm } from '../../testing/mock-vllm.ts'
import type { Database } from '../../database/connection.ts'
import { freeReservation } from '../budgets/budgets.ts'
import { skipWithoutRedis, startRedis, type TestRedis } from '../cache/testing/test-redis.ts'
import { createRedisEventTail } from '../cache/redis-event-tail.ts'
import { chatClient, question, type Seen, textOf } from '../testing/chat-client.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'
import { plannedPrompt } from './counted-prompt.ts'
import type { EventTail } from './event-tail.ts'
import { createGenerations } from './generations.ts'
import type { ChatRequest } from '@fusion/shared/contract/cloud/chat.ts'

describe.skipIf(skipWithoutRedis)('with Redis', () => {
  let redis: TestRedis
  let mock: MockVllm
  let cloud: TestCloud
  let token: string
  let env: Record<string, string>
  beforeAll(async () => {
    redis = await startRedis()
    mock = await startMockVllm({ shape: { stepMs: 10 } })
    env = {
      MODEL_SERVERS: JSON.stringify([{ url: mock.url }]),
      REDIS_URL: redis.url,
      FUSION_CLOUD_KEY: 'a key that both servers have, of 32',
      FUSION_CLOUD_URL: 'http://cloud.example',
    }
    cloud = await startTestCloud({ env })
    await cloud.parts.models.looked
    token = await cloud.signIn()
  })
  afterAll(async () => {
    await cloud.close()
    await mock.close()
    await redis.close()
  })

  const TOKENS = 14
  const asked = (more: object = {}) =>
    question(MOCK_MODEL, {
      prompt: { messages: [{ role: 'user', text: 'Which words follow?' }] },
      sampling: { temperature: 0, maxTokens: TOKENS },
      ...more,
    })
  const seqs = (events: readonly Seen[]) => events.map(({ seq }) => seq)
  const inOrder = (events: readonly Seen[]) => expect(seqs(events)).toEqual(events.map((_, index) => index + 1))

  /**
   * A server that makes answers and dies after so many texts were told: nothing that it does is seen any more. `cutOff`: it lives on, and reaches neither
   * Redis nor the database.
   */
  async function dyingServer(after: number, { cutOff = false } = {}) {
    const caller = (await cloud.parts.identity.callerOf(token))!
    let dead = false
    let alone = false
    const tail = createRedisEventTail(cloud.parts.redis!)
    const never = new Promise<never>(() => {})
    let told = 0
    const dying: EventTail = {
      ...tail,
      async append(of, owner, firstSeq, entries) {
        if (dead) return cutOff ? 'none' : never
        const texts = entries.filter(({ event }) => event.type === 'text-delta').length
        // Those that were on their way with the last one are lost with the server.
        const kept = told + texts < after ? entries : entries.slice(0, entries.length - (told + texts - after))
        told += texts
        const appended = await tail.append(of, owner, firstSeq, kept)
        // Redis was slow for a moment: what is told from here on nobody else could know.
        alone ||= appended === 'none'
        if (told < after) return appended
        dead = true
        return cutOff ? appended : never
      },
    }
    const database = new Proxy(cloud.database, {
      get: (target, name: keyof Database) =>
        dead ? () => never : typeof target[name] === 'function' ? target[name].bind(target) : target[name],
    })
    const { models } = cloud.parts
    const patience = { firstTokenMs: 60_000, nextTokenMs: 60_000 }
    const generations = createGenerations({
      database,
      models,
      clock: Date.now,
      patience,
      onTrouble: () => {},
      record: () => {},
      tail: dying,
    })
    return {
      isDead: () => dead,
      async *follow(generation: string, signal: AbortSignal): AsyncGenerator<Seen> {
        for await (const batch of generations.follow(caller, generation, 0, signal)) yield* batch
      },
      isAlone: () => alone,
      begin: (request: ChatRequest) =>
        generations.begin(caller, request, async () => ({
          generation: request.answer,
          model: MOCK_MODEL,
          prompt: plannedPrompt({ model: MOCK_MODEL, prompt: request.prompt!, systemPrompt: null }),
          sampling: request.sampling ?? {},
          cacheSalt: caller.userId,
          who: caller.userId,
          blocks: [],
          reservation: freeReservation,
        })),
    }
  }

  /** An answer whose server is dead. */
  async function dyingAfter(texts: number): Promise<ChatRequest> {
    for (;;) {
      const [server, request] = [await dyingServer(texts), asked()]
      await server.begin(request)
      await expect.poll(() => server.isDead() || server.isAlone()).toBe(true)
      if (!server.isAlone()) return request
    }
  }

  test('after any number of texts the answer is the same as undisturbed', async () => {
    const client = chatClient(cloud.url, token)
    const whole = await (await client.ask(asked())).rest()
    const texts = whole.filter(({ event }) => event.type === 'text-delta').length
    expect(texts).toBeGreaterThan(5)
    const cuts = Array.from({ length: texts }, (_, index) => index + 1)
    const requests: ChatRequest[] = []
    for (const after of cuts) requests.push(await dyingAfter(after))
    const last = whole.at(-1)!.event
    for (const [index, { answer }] of requests.entries()) {
      const events = await (await client.resume(answer, 0)).rest()
      inOrder(events)
      expect([cuts[index], textOf(events)]).toEqual([cuts[index], textOf(whole)])
      // With the last text the end may have been told, too.
      if (index < cuts.length - 1) expect(events.filter(({ event }) => event.type === 'request-retry')).toHaveLength(1)
      const end = events.at(-1)!.event
      expect(end).toMatchObject({ type: 'generation-finish', reason: (last as { reason: string }).reason })
      expect(end.type === 'generation-finish' && end.usage.completionTokens).toBe(
        last.type === 'generation-finish' && last.usage.completionTokens,
      )
    }
  })

  test('a server that is cut off from the others tells nothing that another one does not go on from', async () => {
    const client = chatClient(cloud.url, token)
    const whole = await (await client.ask(asked())).rest()
    const [server, request] = [await dyingServer(4, { cutOff: true }), asked()]
    await server.begin(request)
    const seen: Seen[] = []
    const leaving = new AbortController()
    const following = (async () => {
      for await (const one of server.follow(request.answer, leaving.signal)) {
        seen.push(one)
        // In mid answer, where it comes so far.
        if (seen.filter(({ event }) => event.type === 'text-delta').length === 8) return
      }
    })()
    await expect.poll(() => server.isDead()).toBe(true)
    // By then it made more than that.
    await expect.poll(() => mock.engine.running()).toBe(0)
    await sleep(300)
    leaving.abort()
    await following
    const rest = await (await client.resume(request.answer, seen.at(-1)!.seq)).rest()
    inOrder([...seen, ...rest])
    expect(textOf([...seen, ...rest])).toBe(textOf(whole))
  })

  test('one that was cancelled while its server was dead ends as stopped, with what was made', async () => {
    const request = await dyingAfter(3)
    const client = chatClient(cloud.url, token)
    await client.call('POST', `/v1/generations/${request.answer}/cancel`)
    const events = await (await client.resume(request.answer, 0)).rest()
    expect(events.filter(({ event }) => event.type === 'text-delta')).toHaveLength(3)
    expect(events.at(-1)!.event).toMatchObject({ type: 'generation-stop' })
  })

  test.each([
    ['kill -9', 'SIGKILL'],
    ['a shutdown that waits for no answer', 'SIGTERM'],
  ] as const)('after %s the client resumes at another server where it was, and the ledger has the answer once', async (_name, signal) => {
    const before = await (await chatClient(cloud.url, token).ask(asked({ sampling: { temperature: 0, maxTokens: 150 } }))).rest()
    const home = await mkdtemp(join(tmpdir(), 'fusion-cloud-'))
    onTestFinished(() => rm(home, { recursive: true, force: true }))
    const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts')], {
      env: {
        ...process.env,
        ...env,
        FUSION_HOME: home,
        FUSION_CLOUD_PORT: '0',
        FUSION_CLOUD_DRAIN: '0',
        DATABASE_URL: cloud.databaseUrl,
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const url = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', line => {
        const ready = /^Fusion Cloud is ready at (\S+)$/.exec(line)
        if (ready) resolve(ready[1]!)
      })
      child.once('exit', () => reject(new Error('it did not start')))
    })
    const user = await cloud.makeUser()
    const theirs = await cloud.signIn(user.email)
    const request = asked({ sampling: { temperature: 0, maxTokens: 150 } })
    const following = await chatClient(url, theirs).ask(request)
    let texts = 0
    const seen = await following.until(({ type }) => type === 'text-delta' && ++texts === 4)
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
    // What had come before the connection broke was shown, too; one that is shut down says that there is more elsewhere.
    seen.push(...(await following.rest().catch(() => [])).filter(({ event }) => event.type !== 'server-drain'))
    const rest = await (await chatClient(cloud.url, theirs).resume(request.answer, seen.at(-1)!.seq)).rest()
    const whole = [...seen, ...rest]
    inOrder(whole)
    expect(textOf(whole)).toBe(textOf(before))
    expect(whole.at(-1)!.event.type).toBe('generation-finish')
    const rows = () =>
      cloud.database.asUser(user.id, tx =>
        tx.query<{ made: number; ended: string }>('select completion_tokens as made, ended from usage where user_id = fusion_user()'),
      )
    const end = whole.at(-1)!.event
    await expect.poll(rows).toEqual([{ made: end.type === 'generation-finish' && end.usage.completionTokens, ended: 'complete' }])
  })
})
