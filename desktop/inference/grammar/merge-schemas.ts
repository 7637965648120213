import { isObject, type Schema } from './schema.ts'
import { Unusable } from './unusable.ts'

const least = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'])
const most = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'])
const joinedByAllOf = new Set(['items', 'additionalProperties'])
const told = new Set(['title', 'description', 'default', 'examples', 'example', '$comment', '$schema', '$id', '$defs', 'definitions'])

/** One schema for what has to fit all of them. Throws `Unusable` where there is no such schema, or none that Fusion can write. */
export function mergeSchemas(
  parts: readonly unknown[],
  path: string,
  resolve: (reference: unknown, path: string) => unknown,
): Schema | false {
  const flat: Schema[] = []
  const opened = new Set<unknown>()

  function flatten(part: unknown): boolean {
    if (part === true) return true
    if (part === false) return false
    if (!isObject(part)) throw new Unusable(path, 'a schema is an object, true or false')
    if (opened.has(part)) throw new Unusable(path, 'it names itself without end')
    opened.add(part)
    const { $ref, allOf, ...own } = part
    flat.push(own)
    const others = [...($ref === undefined ? [] : [resolve($ref, path)]), ...(Array.isArray(allOf) ? (allOf as unknown[]) : [])]
    return others.every(flatten)
  }
  if (!parts.every(flatten)) return false

  const listed = flat.find(part => part['prefixItems'] !== undefined || Array.isArray(part['items']))
  if (listed && flat.some(part => part !== listed && (part['items'] !== undefined || part['prefixItems'] !== undefined))) {
    throw new Unusable(path, 'Fusion cannot join lists that name their first items')
  }

  const result: Schema = {}
  for (const schema of flat) {
    for (const [keyword, value] of Object.entries(schema)) {
      if (told.has(keyword)) continue
      result[keyword] = Object.hasOwn(result, keyword) ? both(keyword, result[keyword], value, path) : value
    }
  }
  return withoutForbidden(withAdditional(result, flat), flat, path)
}

function both(keyword: string, a: unknown, b: unknown, path: string): unknown {
  if (JSON.stringify(a) === JSON.stringify(b)) return a
  if (typeof a === 'number' && typeof b === 'number') {
    if (least.has(keyword)) return Math.max(a, b)
    if (most.has(keyword)) return Math.min(a, b)
  }
  if (keyword === 'properties' && isObject(a) && isObject(b)) {
    const joined: Schema = { ...a }
    for (const [name, schema] of Object.entries(b)) joined[name] = Object.hasOwn(a, name) ? { allOf: [a[name], schema] } : schema
    return joined
  }
  if (keyword === 'required' && Array.isArray(a) && Array.isArray(b))
    return [...new Set<unknown>([...(a as unknown[]), ...(b as unknown[])])]
  if (keyword === 'type') return commonTypes(a, b, path)
  if (keyword === 'enum' && Array.isArray(a) && Array.isArray(b)) {
    const allowed = new Set(b.map(value => JSON.stringify(value)))
    return a.filter(value => allowed.has(JSON.stringify(value)))
  }
  if (joinedByAllOf.has(keyword)) return { allOf: [a, b] }
  throw new Unusable(path, `Fusion cannot hold to two different “${keyword.slice(0, 50)}” at once`)
}

function commonTypes(a: unknown, b: unknown, path: string): unknown[] {
  const [first, second] = [[a].flat(), [b].flat()]
  const has = (all: unknown[], type: unknown) => all.includes(type) || (type === 'integer' && all.includes('number'))
  const common = [...new Set([...first, ...second])].filter(type => has(first, type) && has(second, type))
  if (common.length === 0) throw new Unusable(path, 'no type fits all of it')
  return common
}

/** What a part says of further properties holds for those that only other parts name. */
function withAdditional(schema: Schema, parts: readonly Schema[]): Schema {
  if (!isObject(schema['properties'])) return schema
  const properties = Object.entries(schema['properties']).map(([name, property]) => {
    const others = parts.filter(
      part => isObject(part['additionalProperties']) && !(isObject(part['properties']) && Object.hasOwn(part['properties'], name)),
    )
    return [name, others.length === 0 ? property : { allOf: [property, ...others.map(part => part['additionalProperties'])] }] as const
  })
  return { ...schema, properties: Object.fromEntries(properties) }
}

/** A part that allows no further properties forbids those of the other parts. */
function withoutForbidden(schema: Schema, parts: readonly Schema[], path: string): Schema {
  const closed = parts.filter(part => part['additionalProperties'] === false)
  if (closed.length === 0) return schema
  const allowed = (name: string) => closed.every(({ properties }) => isObject(properties) && Object.hasOwn(properties, name))
  const required = Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : []
  const forbidden = required.find((name): name is string => typeof name === 'string' && !allowed(name))
  if (forbidden !== undefined) throw new Unusable(path, `“${forbidden.slice(0, 50)}” is required and not allowed`)
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  return {
    ...schema,
    additionalProperties: false,
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => allowed(name))),
  }
}
