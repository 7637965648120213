import { Value } from 'typebox/value'
import type { Static, TSchema } from 'typebox'
import { WrongRequest } from './failure.ts'

/** The body of a request in the form of `schema`. Throws `WrongRequest` for the first thing that is wrong, in OpenAI's words. */
export function checkRequest<Schema extends TSchema>(schema: Schema, body: unknown): Static<Schema> {
  if (Value.Check(schema, body)) return body
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new WrongRequest('The body of the request must be a JSON object.')
  const errors = Value.Errors(schema, body)
  const unknown = errors.find(({ keyword }) => keyword === 'additionalProperties')
  if (unknown?.keyword === 'additionalProperties') {
    const param = pathOf(unknown.instancePath, unknown.params.additionalProperties[0])
    throw new WrongRequest(`Unknown parameter: '${param}'.`, { param, code: 'unknown_parameter' })
  }
  const missing = errors.find(({ keyword }) => keyword === 'required')
  if (missing?.keyword === 'required') {
    const param = pathOf(missing.instancePath, missing.params.requiredProperties[0])
    throw new WrongRequest(`Missing required parameter: '${param}'.`, { param, code: 'missing_required_parameter' })
  }
  // The deepest place is the most telling one: a union complains at its root too.
  const first = errors.toSorted((a, b) => b.instancePath.split('/').length - a.instancePath.split('/').length)[0]
  const param = pathOf(first?.instancePath ?? '')
  throw new WrongRequest(`Invalid value for '${param}': it ${first?.message ?? 'does not have the form it should have'}.`, {
    param,
    code: 'invalid_value',
  })
}

/** `/messages/0/content` as OpenAI writes it: `messages[0].content`. */
function pathOf(pointer: string, property?: string): string {
  const names = pointer.split('/').slice(1)
  if (property !== undefined) names.push(property)
  return names.reduce((path, name) => (/^\d+$/.test(name) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`), '')
}
