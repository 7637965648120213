import type { TokenGuess } from '@fusion/shared/chat/token-guess.ts'
import type { FastifyRequest } from 'fastify'
import type { Database } from '../database/connection.ts'
import type { AccountRemoval } from './auth/account-removal.ts'
import type { Identity } from './auth/identity.ts'
import type { SignInMethod } from './auth/sign-in-method.ts'
import type { Budgets } from './budgets/budgets.ts'
import type { Generations } from './chat/generations.ts'
import type { Record } from './inference/record.ts'
import type { Auto } from './inference/auto.ts'
import type { SharedAnswers } from './inference/shared-answers.ts'
import type { Models } from './inference/models.ts'
import type { Caller } from './caller.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import type { PartChecks } from './health/readiness.ts'
import type { SharedRedis } from './cache/redis.ts'
import type { Limits } from './limits/limits.ts'
import type { ObjectTokens } from './objects/object-tokens.ts'
import type { Policies } from './policies/policies.ts'
import type { Rules } from './policies/rules.ts'
import type { Objects } from './objects/objects.ts'
import type { ApiKeys } from './security/api-keys.ts'
import type { Audit } from './security/audit.ts'
import type { AuditArchive } from './security/audit-archive.ts'
import type { Oidc } from './security/oidc/oidc.ts'

/** What the server is put together from: `start.ts` opens them for real, tests pass real small ones. */
export interface Parts {
  config: Config
  database: Database
  clock: Clock
  /** For answers to writes, which may be asked for again. */
  sealingKey: Buffer
  /** Where people and programs reach this cloud, without a slash at its end; known when it listens. */
  publicUrl: () => string
  identity: Identity
  accountRemoval: AccountRemoval
  /** Ways to sign in besides the form for local accounts, in the order of their buttons. */
  signInMethods: () => readonly SignInMethod[]
  models: Models
  /** Those that several requests have in common. */
  answers: SharedAnswers
  /** Which model answers where the choice is left to us. */
  auto: Auto
  policies: Policies
  rules: Rules
  budgets: Budgets
  /** How long prompts are, before or without a model's own count. */
  guess: TokenGuess
  generations: Generations
  /** Writes down what a model was asked for. */
  record: Record
  /** How /readyz finds out about the parts that there are. */
  checks?: PartChecks
  limits: Limits
  objects: Objects
  objectTokens: ObjectTokens
  /** Where there is one; it may be gone. */
  redis?: SharedRedis | undefined
  apiKeys: ApiKeys
  audit: Audit
  auditArchive: AuditArchive
  /** Null: the settings name no OpenID provider. */
  oidc: Oidc | null
  /** Who calls; null where the request names nobody. Throws `signed-out` for a token or key that is not good (any more). */
  authenticate(request: Pick<FastifyRequest, 'headers'>): Promise<Caller | null>
}
