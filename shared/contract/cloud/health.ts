import { Type, type Static } from 'typebox'
import { route } from './route.ts'

/** `embedded`: brought along by this process; `connected`: another server, and it answers; `gone`: it does not. */
export const PartState = Type.Union([Type.Literal('embedded'), Type.Literal('connected'), Type.Literal('gone')])
export type PartState = Static<typeof PartState>

export const partNames = ['database', 'cache', 'objects', 'models'] as const
export type PartName = (typeof partNames)[number]

/**
 * `degraded`: it answers, without a part that it can do without (the cache, say); `not-ready`: it can't answer; `draining`: it is about to end,
 * and wants no new requests.
 */
export const Readiness = Type.Object({
  status: Type.Union([Type.Literal('ready'), Type.Literal('degraded'), Type.Literal('not-ready'), Type.Literal('draining')]),
  parts: Type.Partial(Type.Object({ database: PartState, cache: PartState, objects: PartState, models: PartState })),
})
export type Readiness = Static<typeof Readiness>

export const healthRoutes = {
  alive: route({
    method: 'GET',
    path: '/healthz',
    access: { who: 'anybody' },
    summary: 'Whether the process answers at all.',
    reply: Type.Object({ status: Type.Literal('alive') }),
  }),
  ready: route({
    method: 'GET',
    path: '/readyz',
    access: { who: 'anybody' },
    summary: 'Whether it can be sent requests, and how each of its parts stands. 503 where it cannot.',
    reply: Readiness,
    statuses: [200, 503],
  }),
  metrics: route({
    method: 'GET',
    path: '/metrics',
    access: { who: 'anybody' },
    summary: 'Figures for Prometheus: for the metrics token, or without one for programs of this machine.',
    reply: Type.String(),
    replyType: 'text/plain; version=0.0.4; charset=utf-8',
  }),
  openapi: route({
    method: 'GET',
    path: '/openapi.json',
    access: { who: 'anybody' },
    summary: 'This description.',
    reply: Type.Object({ openapi: Type.Literal('3.1.0') }, { additionalProperties: true }),
  }),
}
