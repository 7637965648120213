import { expect, test } from 'vitest'
import { jsonSchema } from './json-schema.ts'
import { accepts, why } from './testing.ts'

const fits = (schema: unknown, texts: string[], not: string[]) => {
  const rule = jsonSchema(schema)
  for (const text of texts) expect(accepts(rule, text), text).toBe(true)
  for (const text of not) expect(accepts(rule, text), text).toBe(false)
}

test('an object has its properties in order, and no others unless they are allowed', () => {
  const person = { type: 'object', properties: { name: { type: 'string' }, age: { type: 'integer' } }, required: ['name'] }
  fits(
    person,
    ['{"name":"Ann"}', '{"name":"Ann","age":3}', '{"name":""}'],
    ['{}', '{"age":3}', '{"age":3,"name":"Ann"}', '{"name":"Ann",}', '{"name":"Ann","x":1}', '{"name": "Ann"}', '{"name":"Ann"} '],
  )
  fits(
    { ...person, additionalProperties: { type: 'null' } },
    ['{"name":"","x":null,"y":null}', '{"name":"","age":1,"x":null}'],
    ['{"name":"","x":1}', '{"name":"","name":null}', '{"name":"","age":null}'],
  )
  fits(
    { type: 'object', properties: { a: {}, b: {} } },
    ['{}', '{"a":1}', '{"b":[]}', '{"a":{"x":null},"b":""}'],
    ['{,"a":1}', '{"b":1,"a":1}'],
  )
})

test('five hundred properties that need not be there are told apart', () => {
  const names = Array.from({ length: 500 }, (_, index) => `p${index}`)
  const many = {
    type: 'object',
    properties: Object.fromEntries(names.map(name => [name, { type: 'null' }])),
    additionalProperties: { type: 'boolean' },
  }
  fits(many, ['{}', '{"p7":null,"p499":null,"p500":true}'], ['{"p499":null,"p7":null}', '{"p7":true}'])
})

test('an object without named properties holds any, or as many as are counted', () => {
  fits({ type: 'object' }, ['{}', '{"a":1,"b":{"c":[]}}'], ['{"a"}', '[]'])
  fits(
    { type: 'object', additionalProperties: { type: 'number' }, minProperties: 1, maxProperties: 2 },
    ['{"a":1}', '{"a":1,"b":-2.5e3}'],
    ['{}', '{"a":1,"b":1,"c":1}', '{"a":"b"}'],
  )
  fits({ type: 'object', additionalProperties: false }, ['{}'], ['{"a":1}'])
})

test('names that are taken are not given again, however they begin or go on', () => {
  const schema = { type: 'object', properties: { na: {}, name: {}, 'ü"': {} }, additionalProperties: { type: 'null' } }
  fits(
    schema,
    ['{"n":null}', '{"nam":null}', '{"names":null}', '{"x":null,"ü":null}', '{"":null}'],
    ['{"x":null,"na":null}', '{"x":null,"name":null}', '{"x":null,"n\\u0061":null}'],
  )
})

test('lists have so many items, each of its kind', () => {
  fits(
    { type: 'array', items: { type: 'boolean' }, minItems: 1, maxItems: 3 },
    ['[true]', '[true,false,true]'],
    ['[]', '[true,true,true,true]', '[1]'],
  )
  fits({ type: 'array', items: { type: 'null' } }, ['[]', '[null,null,null,null]'], ['[null,]', '[,null]'])
  fits(
    { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }], items: false },
    ['["a",1]'],
    ['["a"]', '["a",1,2]', '[1,"a"]'],
  )
  fits(
    { type: 'array', prefixItems: [{ type: 'string' }], items: { type: 'integer' }, minItems: 2, maxItems: 3 },
    ['["a",1]', '["a",1,2]'],
    ['["a"]', '["a",1,2,3]'],
  )
  fits({ type: 'array', prefixItems: [{ type: 'string' }, { type: 'null' }], minItems: 0 }, ['[]', '["a"]', '["a",null]'], ['[null]'])
  fits({ type: 'array', maxItems: 0 }, ['[]'], ['[1]'])
})

test('texts have their lengths, patterns and formats', () => {
  fits({ type: 'string' }, ['""', '"a\\n\\"\\u00e9😀"', '"\\ud7ff"'], ['"a\nb"', '"a"b"', '"\\x"', '"\\ud83d"', 'a'])
  fits({ type: 'string', minLength: 2, maxLength: 3 }, ['"ab"', '"日本語"', '"a\\n"'], ['"a"', '"abcd"', '"日本語日"'])
  fits({ type: 'string', pattern: '^[A-Z]{2}-\\d+$' }, ['"AB-1"', '"ZZ-0042"'], ['"AB-"', '"ab-1"', '"AB-1 "'])
  fits({ type: 'string', pattern: 'b+' }, ['"abba"', '"b"'], ['"a"', '""'])
  fits({ type: 'string', pattern: '^"\\\\$' }, ['"\\"\\\\"'], ['""\\"'])
  fits({ type: 'string', pattern: '^(?:one|tw[^a-n]|[\\w-]+@x)?$' }, ['""', '"one"', '"two"', '"a-b@x"'], ['"twa"', '"@x"'])
  fits({ type: 'string', format: 'date' }, ['"2024-02-28"'], ['"2024-13-01"', '"2024-1-1"'])
  fits({ type: 'string', format: 'date-time' }, ['"2024-02-28T23:59:59Z"', '"2024-12-31T00:00:00.123+02:00"'], ['"2024-02-28"'])
  fits({ type: 'string', format: 'uuid' }, ['"00000000-0000-4000-8000-00000000000f"'], ['"00000000"'])
  fits({ type: 'string', format: 'email' }, ['"ann.b@example.org"'], ['"ann"', '"@x.y"'])
  fits({ type: 'string', format: 'ipv4' }, ['"255.0.10.1"'], ['"256.0.0.1"'])
  fits({ type: 'string', format: 'duration' }, ['"P1Y2M"', '"PT5S"', '"P3W"'], ['"P"', '"PT"'])
  fits({ type: 'string', format: 'of-our-own' }, ['"anything"'], ['1'])
})

test('numbers end, and lie within their bounds', () => {
  fits({ type: 'number' }, ['0', '-1.5', '1e10', '12.25E-3', '7'], ['01', '1.', '.5', '+1', '1e', '--1', '12345678901234567'])
  fits({ type: 'integer' }, ['0', '-0', '42', '-17'], ['1.0', '1e3', '007'])
  fits({ type: ['integer', 'number'] }, ['1', '1.5'], ['"1"'])
})

test.each([
  [0, 120],
  [-5, 5],
  [-120, -7],
  [13, 13],
  [99, 1001],
  [-1, undefined],
  [undefined, 250],
  [17, undefined],
] as const)('whole numbers from %s to %s are exactly those', (minimum, maximum) => {
  const rule = jsonSchema({ type: 'integer', ...(minimum !== undefined && { minimum }), ...(maximum !== undefined && { maximum }) })
  for (let value = -1_200; value <= 1_200; value++) {
    expect(accepts(rule, `${value}`), `${value}`).toBe(value >= (minimum ?? -Infinity) && value <= (maximum ?? Infinity))
  }
})

test.each([
  [0, 1],
  [0.25, 0.75],
  [-1.05, 2.5],
  [-3, -0.5],
  [1.25, 1.255],
  [-0.5, undefined],
  [undefined, 0.125],
  [1e-7, 12],
  [2, undefined],
] as const)('numbers from %s to %s are exactly those, with the bounds and without', (from, to) => {
  const schema = (low: string, high: string) => ({
    type: 'number',
    ...(from !== undefined && { [low]: from }),
    ...(to !== undefined && { [high]: to }),
  })
  const within = jsonSchema(schema('minimum', 'maximum'))
  const inside = jsonSchema(schema('exclusiveMinimum', 'exclusiveMaximum'))
  const numbers = new Set(
    Array.from({ length: 1_001 }, (_, index) => [`${(index - 500) / 100}`, `${(index - 500) / 1000}`, `${index - 500}`]).flat(),
  )
  for (const number of ['0.0000001', '0.00000011', '0.00000009', '1.2551', '1.2549', '11.999', '12.001']) numbers.add(number)
  for (const number of numbers) {
    if (number.includes('e')) continue
    const value = Number(number)
    expect(accepts(within, number), number).toBe(value >= (from ?? -Infinity) && value <= (to ?? Infinity))
    expect(accepts(inside, number), number).toBe(value > (from ?? -Infinity) && value < (to ?? Infinity))
  }
})

test('given values are written out, and nothing else', () => {
  const values = ['red', 'redder', 'r', '"quoted"', '', null, 3, { a: [1] }]
  fits(
    { enum: values },
    values.map(value => JSON.stringify(value)),
    ['"re"', '"redd"', '4', '{"a":[2]}'],
  )
  fits({ type: ['string'], enum: ['a', 1] }, ['"a"'], ['1'])
  fits({ const: { x: true } }, ['{"x":true}'], ['{}'])
  fits({ const: null }, ['null'], ['0'])
})

test('any of several, all of several, and what stands beside them', () => {
  fits({ anyOf: [{ type: 'integer' }, { type: 'string', maxLength: 1 }] }, ['1', '"a"'], ['"ab"', 'null'])
  fits({ oneOf: [{ type: 'null' }, { $ref: '#/$defs/a' }], $defs: { a: { const: 'a' } } }, ['null', '"a"'], ['"b"'])
  const both = {
    allOf: [
      { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] },
      { $ref: '#/$defs/more', description: 'more' },
    ],
    properties: { a: { minimum: 5 } },
    $defs: { more: { type: 'object', properties: { b: { type: 'string' } }, required: ['b'] } },
  }
  fits(both, ['{"a":5,"b":""}'], ['{"a":4,"b":""}', '{"a":5}'])
  const either = {
    type: 'object',
    properties: { a: { type: 'null' }, b: { type: 'null' } },
    anyOf: [{ required: ['a'] }, { required: ['b'] }],
  }
  fits(either, ['{"a":null}', '{"b":null}', '{"a":null,"b":null}'], ['{}'])
  fits({ type: 'string', nullable: true }, ['null', '"a"'], ['1'])
})

test('a schema may name itself', () => {
  const tree = {
    $ref: '#/$defs/node',
    $defs: {
      node: {
        type: 'object',
        properties: { value: { type: 'integer' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } },
        required: ['value', 'children'],
      },
    },
  }
  fits(
    tree,
    ['{"value":1,"children":[{"value":2,"children":[]},{"value":3,"children":[{"value":4,"children":[]}]}]}'],
    ['{"value":1,"children":[{}]}'],
  )
  fits({ anyOf: [{ type: 'null' }, { type: 'array', items: { $ref: '#' } }] }, ['null', '[[[null,[]]],null]'], ['[1]'])
})

test('what nothing can be held to is refused, with its place and a reason', () => {
  const refused: [unknown, string, RegExp][] = [
    [17, '#', /object, true or false/],
    [false, '#', /no value/],
    [{ type: 'strin' }, '#/type', /types of JSON/],
    [{ type: 'object', properties: { a: { not: {} } } }, '#/properties/a', /“not”/],
    [
      { type: 'object', properties: { a: { type: 'string', minLength: 3, maxLength: 2 } } },
      '#/properties/a',
      /minLength is more than maxLength/,
    ],
    [{ type: 'array', items: { enum: [] } }, '#/items/enum', /empty/],
    [{ type: 'integer', minimum: 3, maximum: 2 }, '#', /no number/],
    [{ type: 'integer', exclusiveMinimum: 3, exclusiveMaximum: 4 }, '#', /no number/],
    [{ type: 'number', minimum: 1, exclusiveMaximum: 1 }, '#', /no number/],
    [{ type: 'string', enum: [1] }, '#', /none of its values/],
    [{ $ref: '#' }, '#', /no value/],
    [{ $ref: '#/$defs/gone' }, '#/$ref', /there is no/],
    [{ $ref: 'https://example.org/schema' }, '#/$ref', /no place in this schema/],
    [{ $ref: '#/__proto__/toString' }, '#/$ref', /there is no/],
    [{ type: 'object', properties: { next: { $ref: '#' } }, required: ['next'] }, '#', /no value/],
    [{ allOf: [{ $ref: '#' }] }, '#', /without end/],
    [{ allOf: [{ type: 'string' }, { type: 'null' }] }, '#', /no type/],
    [{ type: 'object', required: ['a'], additionalProperties: false }, '#/required', /required and not allowed/],
    [{ type: 'object', patternProperties: { a: {} } }, '#', /patternProperties/],
    [{ type: 'array', uniqueItems: true }, '#', /uniqueItems/],
    [{ type: 'string', pattern: '(a' }, '#/pattern', /bracket/],
    [{ type: 'string', pattern: '(?=a)' }, '#/pattern', /ahead/],
    [{ type: 'string', pattern: '^a\\1$' }, '#/pattern', /\\1/],
  ]
  for (const [schema, path, reason] of refused) {
    const found = why(() => jsonSchema(schema))
    expect(found?.path, JSON.stringify(schema)).toBe(path)
    expect(found?.why).toMatch(reason)
  }
})

test('a part that cannot be written is left out where it need not be there', () => {
  fits({ type: 'object', properties: { a: false, b: { type: 'null' } } }, ['{}', '{"b":null}'], ['{"a":1}'])
  fits(
    { type: 'array', items: { $ref: '#/$defs/x' }, $defs: { x: { type: 'array', items: { $ref: '#/$defs/x' }, minItems: 1 } } },
    ['[]'],
    ['[[]]'],
  )
  fits({ anyOf: [false, { type: 'null' }] }, ['null'], ['1'])
})
