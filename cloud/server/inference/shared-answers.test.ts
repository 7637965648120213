// Answers that several requests have in common, in this process and in Redis: the same rules, whoever leaves in whichever moment.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { SharedRedis } from '../cache/redis.ts'
import { patientRedis } from '../cache/testing/patient-redis.ts'
import { skipWithoutRedis, startRedis, type TestRedis } from '../cache/testing/test-redis.ts'
import { createRedisAnswers } from './redis-answers.ts'
import type { ChatChunk } from './server-chunk.ts'
import { shareAnswer } from './share-answer.ts'
import { createMemoryAnswers, MOST_CHUNKS, type SharedAnswers } from './shared-answers.ts'

const keyOf = () => ({ organisationId: newId(), key: newId() })
const texts = (answer: string, name: string) => Array.from({ length: 4 }, (_, index) => `${name} ${answer} ${index}`)

function describeAnswers(make: () => SharedAnswers): void {
  test('one that is begun anew by somebody else is no rest of what was told before', async () => {
    const [answers, of] = [make(), keyOf()]
    const written = (answer: string) => texts('One', answer).map(text => JSON.stringify([chunk(text).raw, '']))
    await answers.join(of, 'ada', false)
    await answers.append(of, 'ada', 0, written('ada').slice(0, 2))
    const following = share(answers, of, async function* () {
      for (const text of texts('One', 'own')) yield [chunk(text)]
    })
    const told = textsOf((await following.next()).value!)
    expect(told).toEqual(texts('One', 'ada').slice(0, 2))
    // Both in the time between two looks.
    await answers.abandon(of, 'ada')
    await answers.join(of, 'ben', false)
    await answers.append(of, 'ben', 0, written('ben'))
    await answers.end(of, 'ben', 0)
    for await (const come of following) told.push(...textsOf(come))
    expect(told.slice(2)).toEqual(texts('One', 'own'))
  })

  test('one whose tokens are not told is not begun anew behind what was told of it', async () => {
    const [answers, of] = [make(), keyOf()]
    await answers.join(of, 'ada', false)
    await answers.append(of, 'ada', 0, [JSON.stringify([chunk('One', { withIds: false }).raw, ''])])
    const following = share(answers, of, async function* () {
      for (const text of texts('One', 'own')) yield [chunk(text, { withIds: false })]
    })
    expect(textsOf((await following.next()).value!)).toEqual(['One'])
    await answers.abandon(of, 'ada')
    await expect(following.next()).rejects.toMatchObject({ code: 'model-server-lost' })
  })

  test('one that is forgotten in the moment in which it is read is gone, and not whole without its end', async () => {
    const [answers, of] = [make(), keyOf()]
    await answers.join(of, 'ada', true)
    await answers.append(of, 'ada', 0, texts('one', 'ada'))
    await answers.end(of, 'ada', 60_000)
    const [read] = await Promise.all([answers.read(of, 2), answers.purge(of.organisationId)])
    expect([read!.state, read!.chunks.length]).toSatisfy(([state, chunks]) => (state === 'whole' ? chunks === 2 : state === 'gone'))
    expect(await answers.read(of, 2)).toMatchObject({ chunks: [], state: 'gone' })
  })

  test('one that was being made when all was forgotten is not kept', async () => {
    const [answers, of] = [make(), keyOf()]
    await answers.join(of, 'ada', true)
    await answers.append(of, 'ada', 0, texts('one', 'ada'))
    await answers.purge(of.organisationId)
    await answers.end(of, 'ada', 60_000)
    expect(await answers.join(of, 'ben', true)).toBe('alone')
    // Whoever follows it has the rest.
    expect(await answers.read(of, 2)).toMatchObject({ chunks: texts('one', 'ada').slice(2), state: 'whole' })
  })

  test('those that are kept of an organisation have an end, in characters', async () => {
    const answers = make()
    const { organisationId } = keyOf()
    const large = 'x'.repeat(4_000_000)
    const keys = Array.from({ length: 40 }, (_, index) => ({ organisationId, key: `${index}` }))
    for (const of of keys) {
      await answers.join(of, 'ada', true)
      await answers.append(of, 'ada', 0, [large])
      await answers.end(of, 'ada', 60_000)
    }
    const kept = []
    for (const of of keys) kept.push((await answers.join(of, 'ben', true)) === 'replay')
    expect(kept.filter(Boolean).length).toBeGreaterThan(5)
    expect(kept.filter(Boolean).length).toBeLessThanOrEqual(25)
    // The newest.
    expect(kept.at(-1)).toBe(true)
    expect(kept[0]).toBe(false)
    await answers.purge(organisationId)
  })

  test('one that grew too long is left to those who follow it at once', async () => {
    const [answers, of] = [make(), keyOf()]
    const { promise: never } = Promise.withResolvers<void>()
    const leader = share(answers, of, async function* () {
      for (let index = 0; index <= MOST_CHUNKS + 600; index++) yield [chunk(`${index}`)]
      await never
    })
    for (let index = 0; index < MOST_CHUNKS + 500; index++) await leader.next()
    await expect.poll(async () => (await answers.read(of, MOST_CHUNKS + 1))?.state).toBe('gone')
  })

  test('one whose maker is held up by its own client is gone on with', async () => {
    const [answers, of] = [make(), keyOf()]
    const words = ['One ', 'answer ', 'is ', 'told ', 'whole.']
    async function* all() {
      for (const word of words) yield [chunk(word)]
    }
    // It takes two, and then nothing more.
    const leader = share(answers, of, all)
    await leader.next()
    await leader.next()
    const told: string[] = []
    for await (const come of share(answers, of, all, { stalledMs: 300 })) told.push(...textsOf(come))
    expect(told.slice(-words.length).join('')).toBe(words.join(''))
    await leader.return()
  })
}

const chunk = (text: string, { withIds = true } = {}): ChatChunk => {
  const raw = {
    choices: [{ index: 0, delta: { content: text }, ...(withIds && { token_ids: [7] }) }],
    ...(withIds && { prompt_token_ids: [1] }),
  }
  return {
    text,
    reasoning: '',
    tokenIds: undefined,
    promptIds: undefined,
    finish: undefined,
    usage: undefined,
    single: true,
    isProgress: true,
    raw,
  }
}
const textsOf = (come: readonly ChatChunk[]) => come.map(({ text }) => text)
const share = (
  answers: SharedAnswers,
  of: { organisationId: string; key: string },
  make: () => AsyncGenerator<readonly ChatChunk[], void, void>,
  { stalledMs = 60_000 } = {},
) => {
  const { signal } = new AbortController()
  return shareAnswer({ answers, of, model: 'one', keepMs: 0, make, request: {}, signal, stalledMs, onSource: () => {} })
}

describe('in this process', () => {
  describeAnswers(() => createMemoryAnswers())

  test('what nobody asks for again is forgotten, also where it was left', async () => {
    let at = 0
    const answers = createMemoryAnswers({ now: () => at })
    const organisationId = newId()
    const size = 100_000
    // Each was left by the one for whom it was made, one behind the other: more than all that may be kept.
    for (let index = 0; index < 1_000; index++) {
      const of = { organisationId, key: `${index}` }
      await answers.join(of, 'ada', false)
      await answers.append(of, 'ada', 0, ['x'.repeat(size)])
      await answers.abandon(of, 'ada')
      at += 1_000
    }
    const kept = { organisationId, key: 'kept' }
    await answers.join(kept, 'ada', true)
    await answers.append(kept, 'ada', 0, ['one'])
    await answers.end(kept, 'ada', 60_000)
    // Of what is left behind nothing pushes it out.
    const next = { organisationId, key: 'next' }
    await answers.join(next, 'ada', true)
    await answers.append(next, 'ada', 0, ['two'])
    expect(await answers.join(kept, 'ben', true)).toBe('replay')
  })
})

describe.skipIf(skipWithoutRedis)('in Redis', () => {
  let server: TestRedis
  let redis: SharedRedis
  beforeAll(async () => {
    server = await startRedis()
    redis = patientRedis(server.url)
  })
  afterAll(async () => {
    await redis.close()
    await server.close()
  })
  describeAnswers(() => createRedisAnswers({ redis, clock: Date.now }))
})
