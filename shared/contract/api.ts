import { Type, type Static } from 'typebox'
import { FailureBody } from '../rpc/failure.ts'
import { Id } from './ids.ts'

/** A key by which programs use the local API. Its secret is told once, when it is made. */
export const ApiKey = Type.Object({
  id: Id,
  name: Type.String(),
  /** The ends of the secret, to know it by. */
  hint: Type.String(),
  /** Whether its programs may also use cloud models, in this person's name. */
  cloud: Type.Boolean(),
  createdAt: Type.Integer(),
  /** To the minute. */
  usedAt: Type.Union([Type.Integer(), Type.Null()]),
})
export type ApiKey = Static<typeof ApiKey>

/** Whether, where and for whom the local API stands open, and what it does just now. */
export const ApiState = Type.Object({
  /** Such as `http://127.0.0.1:4310/v1`; null while it is closed. */
  address: Type.Union([Type.String(), Type.Null()]),
  /** It cannot be closed: Fusion runs as a server (`serve`). */
  always: Type.Boolean(),
  /** Why it could not be opened. */
  failure: Type.Union([FailureBody, Type.Null()]),
  keys: Type.Array(ApiKey),
  /** There is one in the environment (FUSION_API_KEY) besides. */
  environmentKey: Type.Boolean(),
  running: Type.Integer(),
  waiting: Type.Integer(),
  /** Tokens of all answers together, over the last ten seconds. */
  tokensPerSecond: Type.Number(),
  /** The models by the names that programs call them by. */
  models: Type.Array(Type.String()),
})
export type ApiState = Static<typeof ApiState>
