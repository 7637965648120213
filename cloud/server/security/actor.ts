import type { FastifyRequest } from 'fastify'
import type { Caller } from '../caller.ts'

/** Who does something that is written to the audit log, and from which network address. */
export interface Actor {
  userId: string
  organisationId: string
  address: string
}

export const actorOf = ({ userId, organisationId }: Caller, request: FastifyRequest): Actor => ({
  userId,
  organisationId,
  address: request.ip,
})
