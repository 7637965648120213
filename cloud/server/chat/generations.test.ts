import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { ChatRequest } from '@fusion/shared/contract/cloud/chat.ts'
import { textOf } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { Database } from '../../database/connection.ts'
import { findMessage } from '../../database/messages.ts'
import { createOrganisation } from '../../database/organisations.ts'
import { asOwner } from '../../database/testing/as-owner.ts'
import { makeDatabase, type TestDatabase } from '../../database/testing/test-database.ts'
import { createUser } from '../../database/users.ts'
import { freeReservation } from '../budgets/budgets.ts'
import type { Caller } from '../caller.ts'
import { createModels, type Models } from '../inference/models.ts'
import { makeConversation } from '../history/write.ts'
import { question } from '../testing/chat-client.ts'
import type { Recorded } from '../inference/record.ts'
import { MODEL, PROMPT_TOKENS, type ScriptedServer, startScriptedServer } from '../testing/scripted-server.ts'
import { plannedPrompt } from './counted-prompt.ts'
import { createGenerations, type Generations } from './generations.ts'

let made: TestDatabase
let servers: ScriptedServer
let models: Models
let caller: Caller
const open: Generations[] = []

beforeAll(async () => {
  made = await makeDatabase()
  servers = await startScriptedServer()
  models = createModels({ servers: [{ url: servers.url }] })
  await models.looked
  const organisation = await createOrganisation(made.database, 'Example')
  const user = await createUser(made.database, { organisationId: organisation.id, email: 'a@example.org', name: 'A', role: 'member' })
  caller = { userId: user!.id, organisationId: organisation.id, role: 'member', sessionId: newId(), apiKeyId: null, scopes: [] }
})
afterAll(async () => {
  for (const generations of open) await generations.close()
  await models.close()
  await servers.close()
  await made.close()
})

const patience = { firstTokenMs: 60_000, nextTokenMs: 60_000 }

/** By whichever of those that run here. */
const recorded: Recorded[] = []

function start(database: Database): Generations {
  const record = (one: Recorded) => void recorded.push(one)
  const generations = createGenerations({ database, models, clock: Date.now, patience, onTrouble: () => {}, record })
  open.push(generations)
  return generations
}

const begin = (generations: Generations, request: ChatRequest, by = caller) =>
  generations.begin(by, request, async () => ({
    generation: request.answer,
    model: MODEL,
    prompt: plannedPrompt({
      model: MODEL,
      prompt: request.prompt ?? { messages: [{ role: 'user', text: 'From history' }] },
      systemPrompt: null,
    }),
    sampling: {},
    cacheSalt: by.userId,
    who: by.userId,
    blocks: [],
    reservation: freeReservation,
  }))

/** A question in a conversation of its own, asked without a prompt. */
async function fromHistory(text: string): Promise<ChatRequest> {
  const { prompt: _, ...request } = question(MODEL)
  await made.database.asUser(caller.userId, tx => makeConversation(tx, caller.userId, { id: request.conversation }))
  return { ...request, question: { ...request.question, text } }
}
const written = ({ answer }: ChatRequest) => made.database.asUser(caller.userId, tx => findMessage(tx, caller.userId, answer))

async function eventsAt(generations: Generations, id: string) {
  const all = []
  for await (const batch of generations.follow(caller, id, 0, new AbortController().signal)) all.push(...batch)
  return all
}

test('where the reply of the database to a write is lost, every event is still kept once', async () => {
  let lost = 0
  let isFlaky = true
  onTestFinished(() => void (isFlaky = false))
  const flaky: Database = {
    ...made.database,
    async asUser(userId, work) {
      let wrote = false
      const result = await made.database.asUser(userId, tx =>
        work({
          ...tx,
          query: (text, values) => {
            wrote ||= text.startsWith('insert into generation_events')
            return tx.query(text, values)
          },
        }),
      )
      if (!wrote || !isFlaky) return result
      lost += 1
      throw new Error('Connection terminated unexpectedly')
    },
  }
  const here = start(flaky)
  const elsewhere = start(made.database)
  const request = question(MODEL)
  await begin(here, request)
  const answer = await servers.next()
  const following = eventsAt(elsewhere, request.answer)
  answer.say('one ')
  await expect.poll(() => lost).toBeGreaterThan(0)
  answer.say('two')
  answer.finish()
  const seen = await following
  expect(seen).toEqual(await eventsAt(here, request.answer))
  expect(seen.map(({ event }) => event.type)).toEqual(['generation-start', 'prompt-count', 'text-delta', 'text-delta', 'generation-finish'])
  expect((await elsewhere.state(caller, request.answer)).at).toBe('complete')
})

test('what a dead server left is closed, with what was made, behind all that anybody can have seen', async () => {
  let dead = false
  const here = start({
    ...made.database,
    query: (text, values) => (dead ? Promise.reject(new Error('dead')) : made.database.query(text, values)),
    asUser: (userId, work) => (dead ? Promise.reject(new Error('dead')) : made.database.asUser(userId, work)),
  })
  const elsewhere = start(made.database)
  const request = question(MODEL)
  await begin(here, request)
  const answer = await servers.next()
  answer.say('half')
  const seen: number[] = []
  await expect.poll(async () => (await elsewhere.state(caller, request.answer)).seq).toBe(3)
  const following = (async () => {
    const types: string[] = []
    for await (const batch of elsewhere.follow(caller, request.answer, 0, new AbortController().signal))
      for (const { seq, event } of batch) {
        seen.push(seq)
        types.push(event.type)
      }
    return types
  })()
  dead = true
  await asOwner(made.url, `update generations set lease_until = now() - interval '1 s' where id = '${request.answer}'`)
  expect(await following).toEqual(['generation-start', 'prompt-count', 'text-delta', 'generation-fail'])
  expect(seen.at(-1)).toBeGreaterThan(1000)
  expect(await elsewhere.state(caller, request.answer)).toMatchObject({ at: 'failed', seq: seen.at(-1) })
  // What it used is written down by whoever closed it.
  const { userId, organisationId } = caller
  await expect
    .poll(() => recorded.filter(({ requestId }) => requestId === request.answer))
    .toMatchObject([
      { caller: { userId, organisationId }, model: MODEL, end: 'failed', usage: { promptTokens: PROMPT_TOKENS, completionTokens: 1 } },
    ])
})

test('a server that was held up for longer than a lease goes on with its own answer', async () => {
  // Nobody else is there to take it.
  const alone = await makeDatabase()
  onTestFinished(alone.close)
  const organisation = await createOrganisation(alone.database, 'Example')
  const user = await createUser(alone.database, { organisationId: organisation.id, email: 'a@example.org', name: 'A', role: 'member' })
  const by = { ...caller, userId: user!.id, organisationId: organisation.id }
  const generations = createGenerations({
    database: alone.database,
    models,
    clock: Date.now,
    patience,
    onTrouble: () => {},
    record: () => {},
  })
  const request = question(MODEL)
  await begin(generations, request, by)
  const answer = await servers.next()
  answer.say('half ')
  for (let time = 0; time < 3; time++) {
    await asOwner(alone.url, `update generations set lease_until = now() - interval '1 s'`)
    const leased = () =>
      alone.database.asUser(by.userId, tx => tx.query<{ leased: boolean }>('select lease_until > now() as leased from generations'))
    await expect.poll(leased).toEqual([{ leased: true }])
  }
  answer.say('and whole')
  answer.finish()
  await expect.poll(async () => (await generations.state(by, request.answer)).at).toBe('complete')
  await generations.close()
})

test('what a dead server left of a chat from history is kept in its conversation, as far as it was written down', async () => {
  let dead = false
  const here = start({
    ...made.database,
    query: (text, values) => (dead ? Promise.reject(new Error('dead')) : made.database.query(text, values)),
    asUser: (userId, work) => (dead ? Promise.reject(new Error('dead')) : made.database.asUser(userId, work)),
  })
  const elsewhere = start(made.database)
  const request = await fromHistory('Half?')
  await begin(here, request)
  const answer = await servers.next()
  answer.say('half')
  await expect.poll(async () => (await elsewhere.state(caller, request.answer)).seq).toBe(3)
  dead = true
  await asOwner(made.url, `update generations set lease_until = now() - interval '1 s' where id = '${request.answer}'`)
  await expect
    .poll(() => written(request), { timeout: 15_000 })
    .toMatchObject({ parentId: request.question.id, status: 'failed', failure: { code: 'model-server-lost' } })
  expect(textOf((await written(request))!)).toBe('half')
})

test('where the database is away at the end of an answer, it comes to its conversation when that is back, once', async () => {
  let away = false
  const here = start({
    ...made.database,
    query: (text, values) => (away ? Promise.reject(new Error('away')) : made.database.query(text, values)),
    asUser: (userId, work) => (away ? Promise.reject(new Error('away')) : made.database.asUser(userId, work)),
  })
  const request = await fromHistory('Away?')
  await begin(here, request)
  const answer = await servers.next()
  answer.say('whole')
  away = true
  answer.finish()
  const seen = await eventsAt(here, request.answer)
  expect(seen.at(-1)!.event.type).toBe('generation-finish')
  expect(await written(request)).toBeUndefined()
  away = false
  await expect.poll(() => written(request), { timeout: 15_000 }).toMatchObject({ status: 'complete', finishReason: 'stop' })
  expect(textOf((await written(request))!)).toBe('whole')
})

test('text that no database keeps, and characters that come in halves, are kept as what they can be', async () => {
  const generations = start(made.database)
  const request = question(MODEL)
  await begin(generations, request)
  const answer = await servers.next()
  for (const text of ['a\0b', 'c\uD83D', '\uDE00', '\uDE00']) answer.say(text)
  // Bytes of one character in two pieces, as a network brings them.
  const bytes = Buffer.from(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'ü' } }] })}\n\n`)
  const half = bytes.indexOf(0xc3) + 1
  answer.raw(bytes.subarray(0, half))
  await expect.poll(() => generations.running()).toBe(1)
  answer.raw(bytes.subarray(half))
  answer.finish()
  await eventsAt(generations, request.answer)
  await expect.poll(async () => (await start(made.database).state(caller, request.answer)).at).toBe('complete')
  const kept = await eventsAt(start(made.database), request.answer)
  expect(kept.map(({ event }) => (event.type === 'text-delta' ? event.text : '')).join('')).toBe('a\uFFFDbc😀\uFFFDü')
})

test('a reader that takes long is handed some hundred events at a time, and gets all of them', async () => {
  const generations = start(made.database)
  const request = question(MODEL)
  await begin(generations, request)
  const answer = await servers.next()
  const sizes: number[] = []
  const words = Array.from({ length: 990 }, (_, index) => `${index} `)
  for (const word of words) answer.say(word)
  answer.finish()
  await expect.poll(async () => (await generations.state(caller, request.answer)).at).toBe('complete')
  let text = ''
  for await (const batch of generations.follow(caller, request.answer, 0, new AbortController().signal)) {
    sizes.push(batch.length)
    for (const { event } of batch) if (event.type === 'text-delta') text += event.text
  }
  expect(text).toBe(words.join(''))
  expect(Math.max(...sizes)).toBeLessThanOrEqual(500)
})
