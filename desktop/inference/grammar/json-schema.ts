import { allBut, character, type Characters, overlap } from './characters.ts'
import { format } from './formats.ts'
import { anyCharacter, anyNumber, anyString, anyValue, inQuotes, list, noBlanks, plainCharacters } from './json.ts'
import { mergeSchemas } from './merge-schemas.ts'
import { boundedNumber, type Bounds, integer } from './number.ts'
import { pattern, PatternUnusable } from './pattern.ts'
import { choice, empty, nothing, oneOf, repeat, type Rule, sequence, text, writable } from './rule.ts'
import { checkSize, isObject, pathOf, resolve, type Schema } from './schema.ts'
import { Unusable } from './unusable.ts'

/** Levels of schemas in schemas; those that are named (`$ref`) count once. */
const MOST_LEVELS = 100
/** Schemas that are read, with what joining them (`allOf`) makes of them. */
const MOST_SCHEMAS = 20_000
/** Each is a reading of what comes next. */
const MOST_OPTIONAL = 500

const types = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] as const
type Type = (typeof types)[number]

/** What only describes: nothing is held to it. */
const describes = new Set(
  '$schema $id $comment $defs definitions title description default examples example deprecated readOnly writeOnly contentMediaType contentEncoding'.split(
    ' ',
  ),
)
/** By type, what is held to. */
const holds: Record<Type, readonly string[]> = {
  object: ['properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties', 'propertyOrdering'],
  array: ['items', 'prefixItems', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems'],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'format', 'multipleOf'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'format', 'multipleOf'],
  boolean: [],
  null: [],
}
const combines = ['type', 'enum', 'const', 'anyOf', 'oneOf', 'allOf', '$ref', 'nullable']
const known = new Set([...describes, ...combines, ...Object.values(holds).flat()])

/**
 * The JSON texts that fit a schema, without blanks. Throws `Unusable` for what they cannot be held to. A schema may come from anybody: the work
 * is bounded, whatever stands in it.
 */
export function jsonSchema(root: unknown): Rule {
  checkSize(root)
  const rules = new Map<object, Rule>()
  const free = anyValue(noBlanks)
  let schemas = 0

  function compile(schema: unknown, path: string, level: number): Rule {
    if (schema === true) return free.value
    if (schema === false) return nothing
    if (!isObject(schema)) throw new Unusable(path, 'a schema is an object, true or false')
    const found = rules.get(schema)
    if (found) return found
    if (level > MOST_LEVELS) throw new Unusable(path, `it is more than ${MOST_LEVELS} levels deep`)
    if (++schemas > MOST_SCHEMAS) throw new Unusable(path, 'it describes too much')
    const rule: Rule = { kind: 'later', rule: undefined }
    rules.set(schema, rule)
    rule.rule = read(schema, path, level)
    return rule
  }

  function read(schema: Schema, path: string, level: number): Rule {
    for (const keyword of Object.keys(schema))
      if (!known.has(keyword) && !keyword.startsWith('x-')) throw new Unusable(path, `Fusion cannot hold to “${keyword.slice(0, 50)}”`)
    const { $ref, allOf, anyOf, oneOf: exactlyOne, ...own } = schema
    const joins: Schema[] = constrains(own) ? [own] : []
    if ($ref !== undefined) {
      const target = resolve(root, $ref, path)
      // Nothing to add to it: the very same rule, so that a schema may name itself.
      if (joins.length === 0 && allOf === undefined && anyOf === undefined && exactlyOne === undefined)
        return compile(target, pathOf($ref), level + 1)
      joins.push(target as Schema)
    }
    if (allOf !== undefined) joins.push(...listOf<Schema>(allOf, `${path}/allOf`))
    const options = anyOf ?? exactlyOne
    if (anyOf !== undefined && exactlyOne !== undefined) throw new Unusable(path, 'Fusion cannot hold to anyOf and oneOf at once')
    if (options !== undefined) {
      const name = anyOf === undefined ? 'oneOf' : 'anyOf'
      const each = listOf<Schema>(options, `${path}/${name}`)
      return choice(
        ...each.map((option, index) => {
          const at = `${path}/${name}/${index}`
          return compile(joins.length === 0 ? option : join([...joins, option], at), at, level + 1)
        }),
      )
    }
    if ($ref !== undefined || allOf !== undefined) return compile(join(joins, path), path, level + 1)
    return value(schema, path, level)
  }

  function join(parts: unknown[], path: string): Schema | false {
    const joined = mergeSchemas(parts, path, (reference, at) => resolve(root, reference, at))
    if (joined && isObject(joined['properties'])) schemas += Object.keys(joined['properties']).length
    return joined
  }

  function value(schema: Schema, path: string, level: number): Rule {
    const allowed = typesOf(schema, path)
    if (schema['const'] !== undefined || schema['enum'] !== undefined) return given(schema, path, allowed)
    return choice(...allowed.map(type => ofType(type, schema, path, level)))
  }

  function ofType(type: Type, schema: Schema, path: string, level: number): Rule {
    switch (type) {
      case 'null':
        return text('null')
      case 'boolean':
        return choice(text('true'), text('false'))
      case 'integer':
      case 'number':
        return number(type, schema, path)
      case 'string':
        return string(schema, path)
      case 'array':
        return array(schema, path, level)
      case 'object':
        return object(schema, path, level)
    }
  }

  function array(schema: Schema, path: string, level: number): Rule {
    if (schema['uniqueItems'] === true) throw new Unusable(path, 'Fusion cannot hold to “uniqueItems”')
    const [min, max] = counts(schema, 'minItems', 'maxItems', path)
    // Before 2020 a list of items was written as `items`, and what follows it as `additionalItems`.
    const old = Array.isArray(schema['items'])
    const prefix = listOf<unknown>(schema['prefixItems'] ?? (old ? schema['items'] : []), `${path}/prefixItems`, 0)
    const more = old ? schema['additionalItems'] : schema['items']
    const item = more === undefined ? free.value : compile(more, `${path}/items`, level + 1)
    if (prefix.length === 0) return list(item, noBlanks, min, max)
    const first = prefix.map((one, index) => compile(one, `${path}/prefixItems/${index}`, level + 1))
    // After `prefixItems` alone the list might go on with anything: nobody who writes it means that.
    const next = more === undefined && min <= first.length ? nothing : item
    let rest: Rule = repeat(sequence(text(','), next), Math.max(0, min - first.length), Math.max(0, max - first.length))
    for (const [index, one] of [...first.entries()].toReversed()) {
      const here = sequence(...(index > 0 ? [text(',')] : []), one, rest)
      rest = index >= max ? empty : index >= min && schema['minItems'] !== undefined ? choice(empty, here) : here
    }
    return sequence(text('['), rest, text(']'))
  }

  function object(schema: Schema, path: string, level: number): Rule {
    const properties = schema['properties'] ?? {}
    if (!isObject(properties)) throw new Unusable(`${path}/properties`, 'it is an object of schemas')
    const required = new Set(listOf<unknown>(schema['required'] ?? [], `${path}/required`, 0))
    const names = Object.keys(properties)
    for (const name of required) {
      if (typeof name !== 'string') throw new Unusable(`${path}/required`, 'it is a list of names')
    }
    const unnamed = [...required].filter(name => !Object.hasOwn(properties, name as string)) as string[]
    const more = schema['additionalProperties'] ?? names.length + unnamed.length === 0
    if (more === false && unnamed.length > 0)
      throw new Unusable(`${path}/required`, `“${unnamed[0]!.slice(0, 50)}” is required and not allowed`)
    const others = more === false ? undefined : compile(more, `${path}/additionalProperties`, level + 1)
    const all: [name: string, rule: Rule, required: boolean][] = names.map(name => [
      name,
      compile(properties[name], `${path}/properties/${name.slice(0, 50)}`, level + 1),
      required.has(name),
    ])
    for (const name of unnamed) all.push([name, others ?? free.value, true])
    const [min, max] = counts(schema, 'minProperties', 'maxProperties', path)
    const sure = all.filter(([, , required]) => required).length
    if (all.length > 0) {
      if (all.length - sure > MOST_OPTIONAL) throw new Unusable(path, `more than ${MOST_OPTIONAL} properties need not be there`)
      if (min > sure || max < (others ? Infinity : all.length)) throw new Unusable(path, 'Fusion cannot count properties that are named')
    }
    const key = all.length === 0 ? anyString : nameBut(all.map(([name]) => name))
    const other = others && sequence(key, text(':'), others)
    if (all.length === 0) return braces(other ? between(other, min, max) : min > 0 ? nothing : empty)
    const pair = ([name, rule]: (typeof all)[number]) => sequence(text(`${JSON.stringify(name)}:`), rule)
    // From the last one on: what may follow where nothing stands before, and where something does.
    let first: Rule = other ? between(other, 0, Infinity) : empty
    let after: Rule = other ? repeat(sequence(text(','), other)) : empty
    for (const property of all.toReversed()) {
      const here = sequence(pair(property), after)
      const later = sequence(text(','), here)
      ;[first, after] = property[2] ? [here, later] : [choice(here, first), choice(later, after)]
    }
    return braces(first)
  }

  const rule = compile(root, '#', 0)
  if (!writable(rule).has(rule)) throw new Unusable('#', 'no value fits it')
  return rule
}

const braces = (content: Rule) => sequence(text('{'), content, text('}'))

/** So many items, with commas between. */
function between(item: Rule, min: number, max: number): Rule {
  if (max < 1) return min > 0 ? nothing : empty
  const some = sequence(item, repeat(sequence(text(','), item), Math.max(0, min - 1), max - 1))
  return min > 0 ? some : choice(empty, some)
}

function constrains(schema: Schema): boolean {
  return Object.keys(schema).some(keyword => !describes.has(keyword) && !keyword.startsWith('x-'))
}

function listOf<T>(value: unknown, path: string, least = 1): T[] {
  if (!Array.isArray(value)) throw new Unusable(path, 'it is a list')
  if (value.length < least) throw new Unusable(path, 'it is an empty list')
  return value as T[]
}

function typesOf(schema: Schema, path: string): Type[] {
  const { type } = schema
  const named = type === undefined ? meant(schema) : typeof type === 'string' ? [type] : listOf<string>(type, `${path}/type`)
  const all = new Set<string>(named)
  if (schema['nullable'] === true) all.add('null')
  for (const one of all)
    if (!(types as readonly string[]).includes(one)) throw new Unusable(`${path}/type`, 'it is none of the types of JSON')
  // Every whole number is a number.
  if (all.has('number')) all.delete('integer')
  return [...all] as Type[]
}

/** Without `type` anything goes, but who describes properties means an object. */
function meant(schema: Schema): readonly Type[] {
  const described = types.filter(
    type => type !== 'integer' && holds[type].some(keyword => keyword !== 'format' && schema[keyword] !== undefined),
  )
  return described.length > 0 ? described : types
}

/** A few values, written out. */
function given(schema: Schema, path: string, allowed: readonly Type[]): Rule {
  const values = schema['enum'] === undefined ? [schema['const']] : listOf<unknown>(schema['enum'], `${path}/enum`)
  const { format: name } = schema
  // A format of somebody's own only describes.
  const isHeld = (keyword: string) => keyword !== 'format' || (typeof name === 'string' && format(name) !== undefined)
  const beside = Object.keys(schema).find(keyword => isHeld(keyword) && Object.values(holds).some(all => all.includes(keyword)))
  if (beside !== undefined) throw new Unusable(path, `Fusion cannot hold to “${beside}” beside given values`)
  const constant = schema['const'] === undefined ? undefined : JSON.stringify(schema['const'])
  const fitting = values
    .filter(value => allowed.some(type => isOfType(value, type)))
    .map(value => JSON.stringify(value))
    .filter(value => constant === undefined || value === constant)
  if (fitting.length === 0) throw new Unusable(path, 'none of its values fits its type')
  return oneOf(fitting)
}

function isOfType(value: unknown, type: Type): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isObject(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

function counts(schema: Schema, least: string, most: string, path: string): [min: number, max: number] {
  const [min, max] = [schema[least] ?? 0, schema[most] ?? Infinity]
  for (const [name, value] of [
    [least, min],
    [most, max],
  ] as const) {
    if (typeof value !== 'number' || value < 0 || !(Number.isInteger(value) || value === Infinity))
      throw new Unusable(`${path}/${name}`, 'it is a whole number')
  }
  if ((min as number) > (max as number)) throw new Unusable(path, `${least} is more than ${most}`)
  return [min as number, max as number]
}

function string(schema: Schema, path: string): Rule {
  const [min, max] = counts(schema, 'minLength', 'maxLength', path)
  const counted = min > 0 || max < Infinity
  const { pattern: source, format: name } = schema
  const formatted = typeof name === 'string' ? format(name) : undefined
  if (source !== undefined) {
    if (typeof source !== 'string') throw new Unusable(`${path}/pattern`, 'it is a text')
    if (counted) throw new Unusable(path, 'Fusion cannot hold to a pattern and a length at once')
    if (formatted) throw new Unusable(path, 'Fusion cannot hold to a pattern and a format at once')
    try {
      return inQuotes(pattern(source))
    } catch (error) {
      if (error instanceof PatternUnusable) throw new Unusable(`${path}/pattern`, error.message)
      throw error
    }
  }
  if (!formatted) return inQuotes(repeat(anyCharacter, min, max))
  if (counted) throw new Unusable(path, 'Fusion cannot hold to a format and a length at once')
  return inQuotes(formatted)
}

function number(type: 'number' | 'integer', schema: Schema, path: string): Rule {
  const { multipleOf } = schema
  if (multipleOf !== undefined && !(multipleOf === 1 && type === 'integer')) throw new Unusable(path, 'Fusion cannot hold to “multipleOf”')
  const bound = (name: string): number | undefined => {
    const value = schema[name]
    if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value
    throw new Unusable(`${path}/${name}`, 'it is a number')
  }
  const [min, above, max, below] = [bound('minimum'), bound('exclusiveMinimum'), bound('maximum'), bound('exclusiveMaximum')]
  const bounds: Bounds = {
    min: min === undefined || (above !== undefined && above >= min) ? above : min,
    max: max === undefined || (below !== undefined && below <= max) ? below : max,
    above: above !== undefined && above >= (min ?? -Infinity),
    below: below !== undefined && below <= (max ?? Infinity),
  }
  if (bounds.min === undefined && bounds.max === undefined) return type === 'integer' ? integer({}) : anyNumber
  const rule = type === 'integer' ? integer(bounds) : boundedNumber(bounds)
  if (!writable(rule).has(rule)) throw new Unusable(path, 'no number lies between its bounds')
  return rule
}

/** The name of a property, in quotes, that is none of these. Written without escapes, so that none of them can be written another way. */
function nameBut(names: readonly string[]): Rule {
  const end = text('"')
  const other = repeat(character(plainCharacters))
  // By their characters as they stand in JSON: a name that needs an escape cannot be met.
  const build = (texts: readonly string[][], at: number): Rule => {
    const next = Map.groupBy(
      texts.filter(one => one.length > at),
      one => one[at]!,
    )
    const taken: Characters = [...next.keys()].map(one => [one.codePointAt(0)!, one.codePointAt(0)!] as const)
    const branches = [...next].map(([one, longer]) =>
      sequence(text(one), longer.length === 1 ? butOne(longer[0]!, at + 1) : build(longer, at + 1)),
    )
    const ended = texts.some(one => one.length === at)
    return choice(sequence(character(overlap(plainCharacters, allBut(taken))), other, end), ...branches, ...(ended ? [] : [end]))
  }
  /** The rest of a single name, from its end on: as deep as a chain, so it is not built by calls. */
  const butOne = (name: readonly string[], from: number): Rule => {
    let rule: Rule = sequence(character(plainCharacters), other, end)
    for (let at = name.length - 1; at >= from; at--) {
      const code = name[at]!.codePointAt(0)!
      rule = choice(sequence(character(overlap(plainCharacters, allBut([[code, code]]))), other, end), sequence(text(name[at]!), rule), end)
    }
    return rule
  }
  const plain = names
    .map(name => Array.from(name))
    .filter(name => name.every(one => overlap(plainCharacters, [[one.codePointAt(0)!, one.codePointAt(0)!]]).length > 0))
  return sequence(text('"'), build(plain, 0))
}
