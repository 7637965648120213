import type { Access, Route } from '@fusion/shared/contract/cloud/route.ts'
import { FailureBody } from '@fusion/shared/rpc/failure.ts'
import { takesKey } from './idempotency.ts'
import { Type, type TObject, type TSchema } from 'typebox'

export interface OpenApi {
  openapi: '3.1.0'
  info: { title: string; version: string; description: string }
  components: { securitySchemes: Record<string, object>; schemas: Record<string, TSchema> }
  paths: Record<string, Record<string, object>>
}

/** OpenAI's shape of an error, which is that of all of ours. */
export const ErrorReply = Type.Object({
  error: Type.Object({
    message: Type.String(),
    type: Type.String(),
    param: Type.Union([Type.String(), Type.Null()]),
    code: Type.Union([Type.String(), Type.Null()]),
    /** The same as data, with what fills its words. */
    failure: Type.Optional(FailureBody),
  }),
})

const securitySchemes = {
  accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Of a session, from /oauth/token.' },
  apiKey: { type: 'http', scheme: 'bearer', description: 'Of a program.' },
}

/** OpenAPI 3.1 of these routes, whose JSON Schemas are those that the server checks by. */
export function openApiOf(routes: readonly Route[], { version }: { version: string }): OpenApi {
  const paths: OpenApi['paths'] = {}
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route)
  return {
    openapi: '3.1.0',
    info: { title: 'Fusion Cloud', version, description: 'Chats with larger models, their history, and those who use them.' },
    components: { securitySchemes, schemas: { Error: ErrorReply } },
    paths,
  }
}

function operation(route: Route): object {
  const { summary, params, query, body, bodyType = 'application/json', access } = route
  const parameters = [...parametersOf('path', params), ...parametersOf('query', query), ...(takesKey(route) ? [idempotencyKey] : [])]
  const who = access.who === 'role' ? `For people with the role "${access.role}".` : undefined
  return {
    summary,
    ...(who && { description: who }),
    security: securityOf(access),
    ...(parameters.length > 0 && { parameters }),
    // Of bytes there may be none.
    ...(body && { requestBody: { required: bodyType !== 'application/octet-stream', content: bodiesOf(route, body) } }),
    responses: { ...goodReplies(route), ...Object.fromEntries(errorStatuses(route).map(status => [status, errorReply(route)])) },
  }
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same request again under the same key is done once, and answered the same for a day.',
  schema: { type: 'string', minLength: 1, maxLength: 200, pattern: '^[\\x21-\\x7e]+$' },
}

function parametersOf(place: 'path' | 'query', schema: TObject | undefined): object[] {
  const required = new Set(schema?.required ?? [])
  return Object.entries(schema?.properties ?? {}).map(([name, one]) => ({ name, in: place, required: required.has(name), schema: one }))
}

function securityOf(access: Access): object[] {
  if (access.who === 'anybody') return []
  return access.who === 'program' ? [{ accessToken: [] }, { apiKey: [] }] : [{ accessToken: [] }]
}

function goodReplies({ reply, replyType = 'application/json', events, statuses }: Route): Record<string, object> {
  const content = {
    ...((reply ?? replyType !== 'application/json') && { [replyType]: reply ? { schema: reply } : {} }),
    // A stream of events, each with one value of this shape as its data.
    ...(events && { 'text/event-stream': { itemSchema: eventSchema(events) } }),
  }
  const empty = Object.keys(content).length === 0
  const good = empty ? { description: 'Done.' } : { description: 'The answer.', content }
  const elsewhere = { description: 'What is asked for is elsewhere.' }
  return Object.fromEntries((statuses ?? [empty ? 204 : 200]).map(status => [status, status >= 300 && status < 400 ? elsewhere : good]))
}

/** A body in each kind that is read. */
const bodiesOf = ({ bodyType, alsoJson }: Route, schema: TSchema) => ({
  [bodyType ?? 'application/json']: { schema },
  ...(alsoJson && { 'application/json': { schema } }),
})

/** An event as OpenAPI 3.2 describes it: its data is a text, and that text is JSON. Of OpenAI's the last one is not: it is "[DONE]". */
const eventSchema = (events: TSchema) => ({
  type: 'object',
  properties: {
    id: { type: 'string' },
    event: { type: 'string' },
    data: Type.IsUnknown(events) ? { type: 'string' } : { type: 'string', contentMediaType: 'application/json', contentSchema: events },
  },
  required: ['data'],
})

const errorReply = ({ error, replyType }: Route) => ({
  description: 'Why not.',
  content: {
    'application/json': { schema: error ?? { $ref: '#/components/schemas/Error' } },
    // Of a page for people the errors are pages, too, once it is known that a page was asked for.
    ...(replyType === 'text/html' && { [replyType]: {} }),
  },
})

const always = [400, 408, 415, 429, 431, 500, 503]

/** What can go wrong at a route, by what it takes and who may call. */
function errorStatuses({ method, access, params, query, body, bodyType, replyType, statuses = [] }: Route): number[] {
  const write = method !== 'GET'
  const all = [
    ...always,
    // Also where anybody may call: what is brought along may be somebody's who may not.
    ...(access.who !== 'anybody' || write ? [401, 403] : []),
    ...(params || query || body || replyType ? [404] : []),
    ...(params ? [414] : []),
    // Bytes that come have to say how many; of those that go, a part may be asked for that is not there.
    ...(bodyType === 'application/octet-stream' ? [411] : []),
    ...(statuses.includes(206) ? [416] : []),
    // 409: the same request is under way; 422: its id was used for another.
    ...(write ? [409, 413, 422] : []),
  ]
  return all.filter(status => !statuses.includes(status)).toSorted((a, b) => a - b)
}
