import type { Role } from '@fusion/shared/contract/cloud/account.ts'
import type { Scope } from '@fusion/shared/contract/cloud/route.ts'

/** Who calls: a person in a session, or a program with an API key of theirs. */
export interface Caller {
  userId: string
  organisationId: string
  role: Role
  /** Null for an API key. */
  sessionId: string | null
  /** Null for a session. */
  apiKeyId: string | null
  /** Of an API key; a session may do all that its role may. */
  scopes: readonly Scope[]
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | null
  }
}
