import type { Access, BodyOf, ReplyOf, Route } from '@fusion/shared/contract/cloud/route.ts'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Static, TObject, TSchema } from 'typebox'
import type { Caller } from '../caller.ts'
import { limits } from './limits.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route as the contract describes it. Each route of this server has one: `app.ts` refuses to start otherwise. */
    described?: Route
  }
}

type ParamsOf<R extends Route> = R extends { params: infer P extends TObject } ? Static<P> : Record<string, never>
type QueryOf<R extends Route> = R extends { query: infer Q extends TObject } ? Static<Q> : Record<string, never>
/** Known where the route asks for it. */
type CallerOf<R extends Route> = R['access'] extends { who: 'anybody' } ? Caller | null : Caller

export interface Call<R extends Route> {
  params: ParamsOf<R>
  query: QueryOf<R>
  body: BodyOf<R>
  caller: CallerOf<R>
  request: FastifyRequest
  reply: FastifyReply
}

/** Where events come back the handler wrote the reply itself, and resolves to nothing. What is not JSON may be text, bytes or a stream. */
type Answer<R extends Route> = R extends { replyType: string }
  ? unknown
  : R extends { reply: TSchema }
    ? ReplyOf<R> | (R extends { events: TSchema } ? void : never)
    : void

/** Serves a route of the contract: its schemas check what comes and write what goes, and its access is checked before the handler. */
export function serve<R extends Route>(app: FastifyInstance, described: R, handler: (call: Call<R>) => Promise<Answer<R>>): void {
  const { method, path, params, query, body, reply, replyType, events, access, statuses = [reply ? 200 : 204] } = described as Route
  // Schemas write JSON; what is of another type is written as it is.
  const written = reply && !replyType ? reply : undefined
  app.route({
    method,
    url: path.replaceAll(/\{(\w+)\}/g, ':$1'),
    config: { described },
    bodyLimit: described.bodyLimit ?? (access.who === 'anybody' ? limits.anybodyBodyBytes : limits.bodyBytes),
    schema: {
      summary: described.summary,
      ...(params && { params }),
      ...(query && { querystring: query }),
      ...(body && { body }),
      ...(written && { response: Object.fromEntries(statuses.map(status => [status, written])) }),
    },
    async handler(request, to) {
      const answer = await handler({
        params: request.params,
        query: request.query,
        body: request.body,
        caller: request.caller,
        request,
        reply: to,
      } as Call<R>)
      if (answer === undefined && events) return to
      if (!reply && !replyType) return to.code(204).send()
      if (replyType && !to.sent) to.type(replyType)
      return answer
    },
  })
}

/** An answer in JSON that is written already: it goes as it is, and no schema looks at it. */
export function writtenAs(reply: FastifyReply, json: string): never {
  reply.type('application/json; charset=utf-8')
  // Fastify sends text as it is; the types of a route know of its answers as values alone.
  return json as never
}

/** Whether this caller may do what asks for that access. */
export function mayCall(access: Access, caller: Caller | null): 'yes' | 'unknown' | 'forbidden' {
  if (access.who === 'anybody') return 'yes'
  if (!caller) return 'unknown'
  switch (access.who) {
    case 'session':
      return caller.sessionId ? 'yes' : 'forbidden'
    case 'program':
      return caller.sessionId || caller.scopes.includes(access.scope) ? 'yes' : 'forbidden'
    case 'role':
      return caller.sessionId && (caller.role === 'admin' || caller.role === access.role) ? 'yes' : 'forbidden'
  }
}
