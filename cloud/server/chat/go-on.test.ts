// A model server that dies in the middle of an answer: another one with the same weights goes on, and nobody sees a seam.
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Sampling } from '@fusion/shared/chat/conversation.ts'
import { chatClient, type ChatClient, question, type Seen, textOf } from '../testing/chat-client.ts'
import { MODEL, PROMPT_TOKENS, type ScriptedAnswer, type ScriptedServer, startScriptedServer } from '../testing/scripted-server.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

const PROMPT_IDS = [1, 2, 3, 4, 5, 6, 7]
const WORDS = ['One ', 'answer ', 'is ', 'told ', 'whole.']
let servers: ScriptedServer[]
let cloud: TestCloud
let client: ChatClient

beforeAll(async () => {
  servers = await Promise.all(Array.from({ length: 3 }, () => startScriptedServer({ promptIds: PROMPT_IDS })))
})
afterAll(async () => {
  for (const server of servers) await server.close()
})
// Each with a cloud of its own: one server after the other that breaks off is left alone for longer and longer.
beforeEach(async () => {
  cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify(servers.map(({ url }) => ({ url }))) } })
  await cloud.parts.models.looked
  client = chatClient(cloud.url, await cloud.signIn())
})
afterEach(() => cloud.close())

/** The next answer that any of them is asked for. */
const taken = new Map<number, Promise<ScriptedAnswer>>()
async function next(): Promise<ScriptedAnswer & { by: number }> {
  for (const [index, server] of servers.entries()) if (!taken.has(index)) taken.set(index, server.next())
  const index = await Promise.race([...taken].map(async ([at, answer]) => answer.then(() => at)))
  const answer = await taken.get(index)!
  taken.delete(index)
  return { ...answer, by: index }
}
const types = (events: readonly Seen[]) => events.map(({ event }) => event.type).filter(type => type !== 'text-delta')

test.each(Array.from({ length: WORDS.length }, (_, index) => index + 1))('after %i of five tokens', async cut => {
  const request = question(MODEL, { sampling: { temperature: 0, maxTokens: 50, topP: 0.9 } })
  const following = await client.ask(request)
  const first = await next()
  for (const word of WORDS.slice(0, cut)) first.say(word)
  // What was sent before the end of a connection is read before it.
  await following.until(event => event.type === 'text-delta' && event.text === WORDS[cut - 1])
  first.drop()

  const second = await next()
  expect(second.path).toBe('/v1/completions')
  expect(second.body).toMatchObject({
    model: MODEL,
    prompt: [...PROMPT_IDS, ...Array.from({ length: cut }, (_, index) => 100 + index)],
    max_tokens: 50 - cut,
    temperature: 0,
    top_p: 0.9,
    stream: true,
    return_token_ids: true,
  })
  expect(second.body['cache_salt']).toBe(first.body['cache_salt'])
  for (const word of WORDS.slice(cut)) second.say(word)
  second.finish()
  await following.rest()
  const whole = await (await client.resume(request.answer, 0)).rest()
  expect(textOf(whole)).toBe(WORDS.join(''))
  expect(whole.map(({ seq }) => seq)).toEqual(whole.map((_, index) => index + 1))
  expect(types(whole)).toEqual(['generation-start', 'prompt-count', 'request-retry', 'generation-finish'])
  expect(whole.at(-1)!.event).toMatchObject({
    reason: 'stop',
    usage: { promptTokens: PROMPT_TOKENS, cachedTokens: 0, completionTokens: WORDS.length },
  })
})

test('a server that hangs where it counts the prompt is left as one that makes no token', async () => {
  const [hangs, answers] = [await startScriptedServer(), await startScriptedServer()]
  hangs.refuse('/tokenize', 'never')
  const addresses = [hangs, answers].map(({ url }) => ({ url }))
  const impatient = await startTestCloud({ env: { FUSION_FIRST_TOKEN_SECONDS: '5', MODEL_SERVERS: JSON.stringify(addresses) } })
  onTestFinished(async () => {
    await impatient.close()
    await hangs.close()
    await answers.close()
  })
  await impatient.parts.models.looked
  const asking = chatClient(impatient.url, await impatient.signIn())
  // They take turns with what neither has read.
  for (let turn = 0; turn < 2; turn++) {
    const following = await asking.ask(question(MODEL))
    const answer = await answers.next()
    answer.say('One')
    answer.finish()
    expect((await following.rest()).at(-1)!.event.type).toBe('generation-finish')
  }
})

test('two servers may die in one answer, and each is gone on from', async () => {
  const following = await client.ask(question(MODEL))
  for (const [index, words] of [WORDS.slice(0, 2), WORDS.slice(2, 3)].entries()) {
    const answer = await next()
    expect(answer.path).toBe(index === 0 ? '/v1/chat/completions' : '/v1/completions')
    for (const word of words) answer.say(word)
    await following.until(event => event.type === 'text-delta' && event.text === words.at(-1))
    answer.drop()
  }
  const third = await next()
  expect(third.body['prompt']).toEqual([...PROMPT_IDS, 100, 101, 102])
  for (const word of WORDS.slice(3)) third.say(word)
  third.finish()
  expect((await following.rest()).at(-1)!.event).toMatchObject({ type: 'generation-finish', usage: { completionTokens: 5 } })
})

test('tokens whose text had not come are made once more, by the server that goes on', async () => {
  const following = await client.ask(question(MODEL))
  const first = await next()
  first.say('One ')
  // A token of half a character.
  first.say('')
  await following.until(event => event.type === 'text-delta')
  // The half is on its way behind the text: it has come when the connection ends.
  first.drop()
  const second = await next()
  expect(second.body['prompt']).toEqual([...PROMPT_IDS, 100])
  second.say('ü', 2)
  second.finish()
  expect((await following.rest()).at(-1)!.event).toMatchObject({ type: 'generation-finish', usage: { completionTokens: 3 } })
})

test('an answer that has all of its tokens is at its end, and nobody is asked for more', async () => {
  const following = await client.ask(question(MODEL, { sampling: { maxTokens: 2 } }))
  const first = await next()
  first.say('One ')
  first.say('answer')
  await following.until(event => event.type === 'text-delta' && event.text === 'answer')
  first.drop()
  expect((await following.rest()).at(-1)!.event).toMatchObject({
    type: 'generation-finish',
    reason: 'length',
    usage: { completionTokens: 2 },
  })
})

const notContinued = (parameter: string) => ({ code: 'answer-not-continued', detail: { parameter } })
const lost = { code: 'model-server-lost' }
const kept: [string, object, Sampling, (answer: ScriptedAnswer) => void][] = [
  ['a penalty for what was said', notContinued('presence_penalty'), { presencePenalty: 1 }, answer => answer.say('One ')],
  ['a penalty for how often', notContinued('frequency_penalty'), { frequencyPenalty: -0.5 }, answer => answer.say('One ')],
  ['a seed that draws', notContinued('seed'), { seed: 1, temperature: 0.7 }, answer => answer.say('One ')],
  ['reasoning that has not ended', lost, {}, answer => answer.think('Hm')],
  ['text without its tokens', lost, {}, answer => answer.raw('data: {"choices":[{"index":0,"delta":{"content":"One "}}]}\n\n')],
]
test.each(kept)('with %s nothing else is spliced in: it fails, and what was made stands', async (_what, failed, sampling, say) => {
  const following = await client.ask(question(MODEL, { sampling }))
  const first = await next()
  say(first)
  await following.until(({ type }) => type === 'text-delta' || type === 'reasoning-delta')
  first.drop()
  const rest = await following.rest()
  expect(types(rest)).toEqual(['generation-fail'])
  expect(rest.at(-1)!.event).toMatchObject({ failure: failed })
})

test('a server with other weights does not go on: the same one is asked again', async () => {
  const env = { MODEL_SERVERS: JSON.stringify(servers.map(({ url }, index) => ({ url, weights: `revision ${index}` }))) }
  const other = await startTestCloud({ env })
  await other.parts.models.looked
  const following = await chatClient(other.url, await other.signIn()).ask(question(MODEL))
  const first = await next()
  first.say('One ')
  await following.until(({ type }) => type === 'text-delta')
  first.drop()
  const second = await next()
  expect(second.by).toBe(first.by)
  second.finish()
  expect((await following.rest()).at(-1)!.event).toMatchObject({ type: 'generation-finish' })
  await other.close()
})
