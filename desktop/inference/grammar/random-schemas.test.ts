import fc from 'fast-check'
import Schema from 'typebox/schema'
import { expect, test } from 'vitest'
import { jsonSchema } from './json-schema.ts'
import { createMatcher, type Matcher, type State } from './matcher.ts'
import { Unusable } from './unusable.ts'

const name = fc.constantFrom('a', 'ab', 'b', 'name', 'ü "quoted"', 'x')
const small = fc.integer({ min: 0, max: 4 })

/** Schemas of what Fusion holds to, and of some that nothing fits. */
const { schema } = fc.letrec<{ schema: object }>(tie => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(
      { type: 'null' },
      { type: 'boolean' },
      { type: 'number' },
      { type: 'integer' },
      { const: { a: [1, '"'] } },
      { enum: ['a', 'ab', 3, null] },
    ),
    fc.tuple(small, small).map(([a, b]) => ({ type: 'string', minLength: Math.min(a, b), maxLength: Math.max(a, b) })),
    fc.constantFrom('^[a-c]{2,3}(-\\d+)?$', 'b+', '^(?:x|yz)*$').map(pattern => ({ type: 'string', pattern })),
    fc
      .constantFrom('date', 'time', 'date-time', 'uuid', 'email', 'ipv4', 'ipv6', 'hostname', 'duration', 'uri')
      .map(format => ({ type: 'string', format })),
    fc
      .tuple(fc.integer({ min: -300, max: 300 }), fc.integer({ min: 0, max: 500 }))
      .map(([minimum, more]) => ({ type: 'integer', minimum, maximum: minimum + more })),
    fc.tuple(fc.integer({ min: -300, max: 300 }), fc.integer({ min: 1, max: 500 }), fc.boolean()).map(([from, more, out]) => ({
      type: 'number',
      [out ? 'exclusiveMinimum' : 'minimum']: from / 8,
      [out ? 'exclusiveMaximum' : 'maximum']: (from + more) / 8,
    })),
    fc
      .tuple(tie('schema'), small, small)
      .map(([items, a, b]) => ({ type: 'array', items, minItems: Math.min(a, b), maxItems: Math.max(a, b) })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map(prefixItems => ({ type: 'array', prefixItems, items: false })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map(anyOf => ({ anyOf })),
    fc
      .tuple(fc.dictionary(name, tie('schema'), { maxKeys: 4 }), fc.array(name, { maxLength: 3 }), fc.boolean())
      .map(([properties, required, more]) => ({
        type: 'object',
        properties,
        required: [...new Set(required)].filter(one => Object.hasOwn(properties, one)),
        additionalProperties: more ? { type: 'null' } : false,
      })),
    fc
      .tuple(fc.dictionary(name, tie('schema'), { maxKeys: 2 }), fc.dictionary(name, tie('schema'), { maxKeys: 2 }))
      .map(([one, other]) => ({
        allOf: [
          { type: 'object', properties: one, required: Object.keys(one) },
          { type: 'object', properties: other },
        ],
      })),
  ),
}))

/** A text that the grammar lets through, each byte drawn from those that may come; ends soon, where it may. */
function write(matcher: Matcher, draw: () => number): string | undefined {
  const bytes: number[] = []
  let state: State = matcher.start
  for (;;) {
    const possible = matcher.bytes(state)
    if (state.ends && (possible.length === 0 || draw() % 2 === 0)) return Buffer.from(bytes).toString()
    // Quotes and brackets that close come more often than by chance, so that texts and lists end.
    const closing = possible.filter(byte => '"}]'.includes(String.fromCharCode(byte)))
    const from = closing.length > 0 && draw() % 4 === 0 ? closing : possible
    const next = from[draw() % from.length]!
    bytes.push(next)
    const after = matcher.next(state, next)
    // Every byte that may come leads on: there are no dead ends.
    if (!after) throw new Error(`a dead end after ${Buffer.from(bytes).toString()}`)
    if (bytes.length > 4_000) return undefined
    state = after
  }
}

test('whatever a grammar lets through fits its schema, by the judgement of another', () => {
  let written = 0
  fc.assert(
    fc.property(schema, fc.infiniteStream(fc.nat()), (one, numbers) => {
      let matcher: Matcher | undefined
      try {
        matcher = createMatcher(jsonSchema(one))
      } catch (error) {
        if (error instanceof Unusable) return
        throw error
      }
      const text = matcher && write(matcher, () => numbers.next().value as number)
      if (text === undefined) return
      written++
      const value: unknown = JSON.parse(text)
      expect(Schema.Check(one, value), `${text} for ${JSON.stringify(one)}`).toBe(true)
    }),
    { numRuns: 600 },
  )
  expect(written).toBeGreaterThan(300)
})
