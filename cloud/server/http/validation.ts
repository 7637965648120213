import type { FastifySchemaCompiler } from 'fastify'
import { Compile } from 'typebox/compile'
import type { TSchema } from 'typebox'

/**
 * Checks what comes by the schemas of its route. What stands in an address is text: where a number or a yes or no is due, text that is one
 * is taken as it, and no other. TypeBox's own conversion would take `true` for the number 1.
 */
export const checkBySchema: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const checked = Compile(schema)
  const types = httpPart === 'body' ? {} : typesOf(schema)
  return (value: unknown) => {
    const given = httpPart === 'body' ? value : fromText(value as Record<string, unknown>, types)
    if (checked.Check(given)) return { value: given }
    // The first is all that is told, and finding all takes long where a body is long.
    return { error: checked.Errors(given).slice(0, 1) as never }
  }
}

type Types = Record<string, unknown>

function typesOf({ properties = {} }: { properties?: Record<string, { type?: unknown }> }): Types {
  return Object.fromEntries(Object.entries(properties).map(([name, { type }]) => [name, type]))
}

function fromText(values: Record<string, unknown>, types: Types): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? parse(value, types[name]) : value]),
  )
}

function parse(text: string, type: unknown): unknown {
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (type === 'integer') return /^-?\d{1,15}$/.test(text) ? Number(text) : text
  if (type === 'number') return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : text
  return text
}
