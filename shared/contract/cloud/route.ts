// The cloud speaks plain HTTP. A route is data: the server serves it, the clients call it, and OpenAPI is written from it.
import type { Static, TObject, TSchema } from 'typebox'

/**
 * Who may call: anybody; whoever is signed in (an access token of a session); a program too (an API key with this scope, or a session); or
 * people of the organisation with this role.
 */
export type Access = { who: 'anybody' } | { who: 'session' } | { who: 'program'; scope: Scope } | { who: 'role'; role: 'admin' | 'auditor' }

/** What an API key may be made for. */
export const scopes = ['inference', 'history'] as const
export type Scope = (typeof scopes)[number]

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Named parts in braces: `/v1/conversations/{id}`. */
  path: string
  access: Access
  /** One sentence for the people who read OpenAPI. */
  summary: string
  params?: TObject
  query?: TObject
  body?: TSchema
  /** What comes back: JSON with 200, or nothing with 204 where it is absent. */
  reply?: TSchema
  /** It answers with events (text/event-stream) of this shape instead of JSON. */
  events?: TSchema
}

export type BodyOf<R extends Route> = R extends { body: infer B extends TSchema } ? Static<B> : undefined
export type ReplyOf<R extends Route> = R extends { reply: infer B extends TSchema } ? Static<B> : undefined

/** Keeps the literal types of a route, and its form checked. */
export const route = <const R extends Route>(described: R): R => described
