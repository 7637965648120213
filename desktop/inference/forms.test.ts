import { afterAll, beforeAll, expect, test } from 'vitest'
import { answer, endProcess, loadModel, startProcess, type TestProcess } from './testing/inference.ts'

let shared: TestProcess
beforeAll(async () => {
  shared = startProcess()
  await loadModel(shared.client)
})
afterAll(() => endProcess(shared))

const hot = { temperature: 2, topK: 0, topP: 1, minP: 0 }
const program = { chatId: null, priority: 1 } as const
const ask = (form: object, sampling: object = {}, question = 'Who are you?') =>
  answer(shared.client, question, { ...program, form: form as never, sampling: { temperature: 0, maxTokens: 400, ...sampling } })
const schemaOf = (schema: unknown) => ({ type: 'json-schema', schema })

const person = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 20 },
    age: { type: 'integer', minimum: 0, maximum: 120 },
    tags: { type: 'array', items: { enum: ['big', 'bigger', 'small'] }, minItems: 1, maxItems: 3 },
    more: { anyOf: [{ type: 'null' }, { type: 'boolean' }, { type: 'number', minimum: -1, maximum: 1 }] },
  },
  required: ['name', 'age', 'tags', 'more'],
  additionalProperties: false,
}

test('an answer fits its schema, however hot it is sampled, and ends when it is whole', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const { text, finished } = await ask(schemaOf(person), { ...hot, seed })
    const value = JSON.parse(text) as { name: string; age: number; tags: string[]; more: unknown }
    expect(Object.keys(value)).toEqual(['name', 'age', 'tags', 'more'])
    expect(Array.from(value.name).length).toBeLessThanOrEqual(20)
    expect(value.age >= 0 && value.age <= 120 && Number.isInteger(value.age)).toBe(true)
    expect(value.tags.length >= 1 && value.tags.length <= 3 && value.tags.every(tag => ['big', 'bigger', 'small'].includes(tag))).toBe(true)
    expect(value.more === null || typeof value.more === 'boolean' || Math.abs(value.more as number) <= 1).toBe(true)
    expect(finished.reason).toBe('stop')
  }
})

test('the same seed gives the same answer again, with penalties too', async () => {
  const sampling = { ...hot, seed: 4, repeatPenalty: 1.3, presencePenalty: 0.5 }
  const [first, second] = [await ask(schemaOf(person), sampling), await ask(schemaOf(person), sampling)]
  expect(JSON.parse(first.text)).toBeTypeOf('object')
  expect(first.text).toBe(second.text)
})

test('any JSON object is one, with no more blanks than indent it', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { text, finished } = await ask({ type: 'json-object' }, { ...hot, seed, maxTokens: 300 })
    expect(text).toMatch(/^\{/)
    expect(text).not.toMatch(/\s{42}/)
    if (finished.reason === 'stop') expect(JSON.parse(text)).toBeTypeOf('object')
  }
})

test('an answer that is cut short says so, and one that is whole with its last token does not', async () => {
  const cut = await ask(schemaOf(person), { maxTokens: 5 })
  expect(cut.finished).toMatchObject({ reason: 'length', completionTokens: 5 })
  const whole = await ask(schemaOf({ const: 'a long text that has to come' }))
  const { completionTokens } = whole.finished
  expect((await ask(schemaOf({ const: 'a long text that has to come' }), { maxTokens: completionTokens })).finished.reason).toBe('stop')
  expect(JSON.parse(whole.text)).toBe('a long text that has to come')
})

test('ids and logprobs of a form are those of its tokens, one for each', async () => {
  const { events, text, finished } = await answer(shared.client, 'hello', {
    ...program,
    form: {
      type: 'json-schema',
      schema: { type: 'object', properties: { greeting: { type: 'string', maxLength: 5 } }, required: ['greeting'] },
    },
    sampling: { temperature: 0 },
    tokenIds: true,
    logprobs: 2,
  })
  const deltas = events.filter(event => event.type === 'text-delta')
  expect(deltas.flatMap(({ tokenIds }) => tokenIds)).toHaveLength(finished.completionTokens)
  const scored = deltas.flatMap(({ logprobs = [] }) => logprobs)
  expect(scored.map(({ id }) => id)).toEqual(deltas.flatMap(({ tokenIds }) => tokenIds))
  expect(Buffer.from(scored.flatMap(({ bytes }) => bytes)).toString()).toBe(text)
})

test('beside an answer of a form, others are what they are alone', async () => {
  const alone = await answer(shared.client, 'How do I delete a chat?', program)
  const [together, ...formed] = await Promise.all([
    answer(shared.client, 'How do I delete a chat?', program),
    ...[1, 2, 3, 4, 5, 6, 7].map(seed => ask(schemaOf(person), { ...hot, seed })),
  ])
  expect(together.text).toBe(alone.text)
  for (const { text } of formed) expect(JSON.parse(text)).toBeTypeOf('object')
})

test('what cannot be held to is refused with its place, and the next answer comes', async () => {
  await expect(ask(schemaOf({ type: 'object', properties: { a: { not: {} } } }))).rejects.toMatchObject({
    code: 'form-unusable',
    detail: { why: 'Fusion cannot hold to “not” (at #/properties/a)' },
  })
  expect(JSON.parse((await ask(schemaOf({ type: 'boolean' }))).text)).toBeTypeOf('boolean')
})

const nested = (levels: number) => {
  let schema: object = { type: 'null' }
  for (let level = 0; level < levels; level++) schema = { type: 'array', items: schema }
  return schema
}
const doubling = {
  $ref: '#/$defs/a0',
  $defs: Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [
      `a${index}`,
      index === 59
        ? { type: 'null' }
        : { type: 'array', prefixItems: [{ $ref: `#/$defs/a${index + 1}` }, { $ref: `#/$defs/a${index + 1}` }], items: false },
    ]),
  ),
}
const joining = {
  $ref: '#/$defs/a0',
  $defs: Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [
      `a${index}`,
      index === 39
        ? { type: 'null' }
        : { anyOf: [{ allOf: [{ $ref: `#/$defs/a${index + 1}` }] }, { allOf: [{ $ref: `#/$defs/a${index + 1}` }] }] },
    ]),
  ),
}
const alike = {
  anyOf: [{ type: 'array', items: { $ref: '#' } }, { type: 'array', items: { $ref: '#' }, maxItems: 1_000_000 }, { type: 'integer' }],
}

test.each([
  ['of 1 MB', { enum: Array.from({ length: 100_000 }, (_, index) => `value ${index}`) }, true],
  ['of 1 MB in one text', { const: 'a'.repeat(1_000_000) }, true],
  [
    'of 10,000 names that need not be there',
    { type: 'object', properties: Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`p${index}`, { type: 'null' }])) },
    true,
  ],
  ['a thousand levels deep', nested(1_000), true],
  ['that doubles at each level', doubling, false],
  ['that joins twice at each level', joining, false],
  ['that can be read in ever more ways', alike, false],
  [
    'whose lists are alike to their depths',
    { anyOf: Array.from({ length: 40 }, (_, index) => ({ type: 'array', items: { $ref: '#' }, maxItems: 1_000 + index })) },
    false,
  ],
  ['with a list of a billion items', { type: 'array', items: { type: 'integer' }, minItems: 1_000_000_000 }, false],
  ['with a text of a billion characters', { type: 'string', minLength: 1_000_000_000 }, false],
  ['with a pattern of patterns', { type: 'string', pattern: '^((((a{1,9999}){1,9999}){1,9999})|((a*)*)*|(a|a|a)*b)*$' }, false],
  ['with a number of 300 digits', { type: 'integer', minimum: 1e300 }, false],
  ['of 20,000 values that begin alike', { enum: Array.from({ length: 20_000 }, (_, index) => `${'same'.repeat(3)}${index}`) }, false],
] as const)('a schema %s neither hangs nor ends the process', async (_, schema, refused) => {
  const asked = ask(schemaOf(schema), { ...hot, seed: 1, maxTokens: 30 })
  if (refused) await expect(asked).rejects.toMatchObject({ code: 'form-unusable' })
  else await asked.catch((error: unknown) => expect(error).toMatchObject({ code: 'form-unusable' }))
  expect((await answer(shared.client, 'hello', program)).finished.reason).toBe('stop')
})
