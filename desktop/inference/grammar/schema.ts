import { Unusable } from './unusable.ts'

export type Schema = Record<string, unknown>

/** Values in a schema, and characters of its texts: what is larger was not written by hand. */
const MOST_VALUES = 50_000
const MOST_UNITS = 500_000
const MOST_LEVELS = 500

export function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Throws `Unusable` for what is too large or too deep to be read. */
export function checkSize(root: unknown): void {
  let values = 0
  let units = 0
  let level: unknown[] = [root]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_LEVELS) throw new Unusable('#', `it is more than ${MOST_LEVELS} levels deep`)
    const deeper: unknown[] = []
    for (const value of level) {
      if (typeof value === 'string') units += value.length
      if (typeof value !== 'object' || value === null) continue
      for (const [key, inner] of Object.entries(value)) {
        units += Array.isArray(value) ? 0 : key.length
        deeper.push(inner)
        if (++values > MOST_VALUES) throw new Unusable('#', `it holds more than ${MOST_VALUES} values`)
      }
    }
    if (units > MOST_UNITS) throw new Unusable('#', `it holds more than ${MOST_UNITS} characters`)
    level = deeper
  }
}

export function isSmall(value: unknown): boolean {
  try {
    checkSize(value)
    return true
  } catch {
    return false
  }
}

/** For those who read of a failure. */
export const pathOf = (reference: unknown) => (typeof reference === 'string' ? reference.slice(0, 200) : '#')

/** What a `$ref` names: a place in the same schema. */
export function resolve(root: unknown, reference: unknown, path: string): unknown {
  if (typeof reference !== 'string' || !/^#(\/|$)/.test(reference))
    throw new Unusable(`${path}/$ref`, 'it names no place in this schema (such as #/$defs/name)')
  let found: unknown = root
  for (const step of reference.slice(1).split('/').slice(1)) {
    const name = decode(step)
    if (typeof found !== 'object' || found === null || name === undefined || !Object.hasOwn(found, name)) {
      throw new Unusable(`${path}/$ref`, `there is no ${reference.slice(0, 200)}`)
    }
    found = (found as Schema)[name]
  }
  return found
}

function decode(step: string): string | undefined {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    // Not an encoded name.
    return undefined
  }
}
