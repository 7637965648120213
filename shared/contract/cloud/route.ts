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
  /** How the body comes: JSON, unless it says otherwise. */
  bodyType?: 'application/x-www-form-urlencoded' | 'application/octet-stream'
  /** The body may come as JSON all the same. */
  alsoJson?: true
  /** Bytes that a body may have; 64 kB where anybody may call, 16 MB where nothing is said. */
  bodyLimit?: number
  /** What comes back: JSON with 200, or nothing with 204 where it is absent. */
  reply?: TSchema
  /** Media type of what comes back where it is not JSON; `reply` then describes text, or is absent. */
  replyType?: string
  /** Statuses of good answers, where they are others than 200 (a reply) or 204 (none). */
  statuses?: readonly number[]
  /** Shape of its errors where another standard says it (OAuth's); OpenAI's everywhere else. */
  error?: TSchema
  /** Events (text/event-stream) of this shape come back: always where there is no `reply`, else when the body asks for them. */
  events?: TSchema
}

export type BodyOf<R extends Route> = R extends { body: infer B extends TSchema } ? Static<B> : undefined
export type ReplyOf<R extends Route> = R extends { reply: infer B extends TSchema } ? Static<B> : undefined

/** Keeps the literal types of a route, and its form checked. */
export const route = <const R extends Route>(described: R): R => described
