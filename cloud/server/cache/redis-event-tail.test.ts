import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GenerationEvent } from '@fusion/shared/contract/cloud/chat.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { Handover } from '../chat/event-tail.ts'
import { chatClient, question, textOf } from '../testing/chat-client.ts'
import { MODEL, PROMPT_TOKENS, startScriptedServer, type ScriptedServer } from '../testing/scripted-server.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'
import { createRedisEventTail } from './redis-event-tail.ts'
import { patientRedis } from './testing/patient-redis.ts'
import { skipWithoutRedis, startRedis, type TestRedis } from './testing/test-redis.ts'

describe.skipIf(skipWithoutRedis)('the tail of answers in Redis', () => {
  let server: TestRedis
  let models: ScriptedServer
  const clouds: TestCloud[] = []
  beforeAll(async () => {
    server = await startRedis()
    models = await startScriptedServer({ tokens: () => PROMPT_TOKENS })
    const env = {
      REDIS_URL: server.url,
      MODEL_SERVERS: JSON.stringify([{ url: models.url }]),
      FUSION_CLOUD_KEY: 'a key that both servers have, of 32',
      FUSION_CLOUD_URL: 'http://cloud.example',
    }
    const first = await startTestCloud({ env })
    clouds.push(first, await startTestCloud({ env: { ...env, DATABASE_URL: first.databaseUrl } }))
    for (const { parts } of clouds) await parts.models.looked
  })
  afterAll(async () => {
    for (const cloud of clouds.toReversed()) await cloud.close()
    await models.close()
    await server.close()
  })
  const handover: Handover = {
    caller: { userId: newId(), organisationId: newId(), role: 'member', sessionId: null, apiKeyId: null, scopes: [] },
    request: question(MODEL),
    model: MODEL,
    startedAt: 1,
  }
  const delta = (text: string): GenerationEvent => ({ type: 'text-delta', text })

  test('events stand at their seq, once, however often they are sent, and none after a gap', async () => {
    const redis = patientRedis(server.url)
    const tail = createRedisEventTail(redis)
    const of = { userId: newId(), id: newId() }
    const entries = (...texts: string[]) => texts.map(text => ({ event: delta(text) }))
    expect(await tail.append(of, 'me', 1, entries('a'))).toBe('none')
    expect(await tail.begin(of, 'me', handover)).toBe(true)
    expect(await tail.append(of, 'me', 1, entries('a', 'b'))).toBe('kept')
    expect(await tail.append(of, 'me', 2, entries('b', 'c'))).toBe('kept')
    expect(await tail.append(of, 'me', 1, entries('a'))).toBe('kept')
    expect(await tail.append(of, 'me', 5, entries('e'))).toBe('none')
    expect(await tail.append(of, 'another', 4, entries('d'))).toBe('taken-over')
    expect(await tail.read(of, 0)).toEqual(['a', 'b', 'c'].map((text, index) => ({ seq: index + 1, event: delta(text) })))
    expect(await tail.read(of, 2)).toEqual([{ seq: 3, event: delta('c') }])
    expect(await tail.read(of, 3)).toEqual([])
    expect(await tail.read({ ...of, userId: newId() }, 0)).toEqual([])
    // Whoever takes it over has all of it, and nobody else adds to it from then on.
    expect(await tail.takeOver(of, 'another')).toEqual({ handover, entries: entries('a', 'b', 'c') })
    expect(await tail.append(of, 'me', 4, entries('d'))).toBe('taken-over')
    expect(await tail.append(of, 'another', 4, entries('d'))).toBe('kept')
    expect(await tail.takeOver({ ...of, id: newId() }, 'another')).toBeUndefined()
    await redis.close()
  })

  test('what one server makes is read at the other, nothing lost or doubled, also when Redis dies in the midst of it', async () => {
    const [here, there] = clouds as [TestCloud, TestCloud]
    const token = await here.signIn()
    const { userId } = (await here.parts.identity.callerOf(token))!
    for (const dies of [false, true]) {
      const request = question(MODEL)
      const mine = await chatClient(here.url, token).ask(request)
      const answer = await models.next()
      const followed = await chatClient(there.url, token).resume(request.answer, 0)
      answer.say('one ')
      const begun = await followed.until(({ type }) => type === 'text-delta')
      if (dies) await server.kill()
      for (const word of ['two ', 'three ', 'four']) answer.say(word)
      answer.finish()
      const [whole, rest] = [await mine.rest(), await followed.rest()]
      expect(textOf(whole)).toBe('one two three four')
      expect([...begun, ...rest]).toEqual(whole)
      const tail = createRedisEventTail(there.parts.redis!)
      if (!dies) expect(await tail.read({ userId, id: request.answer }, 0)).toEqual(whole)
      expect(await (await chatClient(there.url, token).resume(request.answer, 0)).rest()).toEqual(whole)
    }
    const ready = (await (await fetch(`${there.url}/readyz`)).json()) as object
    expect(ready).toMatchObject({ status: 'degraded', parts: { cache: 'gone' } })
  })

  test('a session that ends at one server has ended at the other with the next request', async () => {
    await server.start()
    await expect.poll(() => clouds.map(({ parts }) => parts.redis?.state())).toEqual(['connected', 'connected'])
    const [here, there] = clouds as [TestCloud, TestCloud]
    const token = await here.signIn('leaving@example.org')
    const ask = async (cloud: TestCloud, path: string, method = 'GET') =>
      (await fetch(`${cloud.url}${path}`, { method, headers: { authorization: `Bearer ${token}` } })).status
    expect(await ask(there, '/v1/account')).toBe(200)
    const sessions = (await (await fetch(`${here.url}/v1/account/sessions`, { headers: { authorization: `Bearer ${token}` } })).json()) as {
      sessions: { id: string }[]
    }
    expect(await ask(here, `/v1/account/sessions/${sessions.sessions[0]!.id}`, 'DELETE')).toBe(204)
    expect(await ask(there, '/v1/account')).toBe(401)
  })
})
