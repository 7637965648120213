import { type AuditEntry, auditRoutes } from '@fusion/shared/contract/cloud/security.ts'
import type { FastifyInstance } from 'fastify'
import { listAuditRows } from '../../database/audit.ts'
import { serve } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'

/** What happened in an organisation, for those who look after it. */
export async function auditLog(
  app: FastifyInstance,
  { database, audit, auditArchive }: Pick<Parts, 'database' | 'audit' | 'auditArchive'>,
): Promise<void> {
  serve(app, auditRoutes.audit, async ({ caller, query: { before, limit = 50 } }) => {
    const rows = await listAuditRows(database, { organisationId: caller.organisationId, before, limit })
    return {
      events: rows.map(({ seq, at, event, actorId, subjectId, address, detail }) => ({
        seq,
        at: at.getTime(),
        event,
        actor: actorId,
        subject: subjectId,
        address,
        detail: detail as AuditEntry['detail'],
      })),
      next: rows.length === limit ? rows.at(-1)!.seq : null,
    }
  })

  serve(app, auditRoutes.verifyAudit, async ({ caller: { organisationId }, query: { of } }) => {
    const archived = await auditArchive.lastArchived(organisationId)
    const found = of === 'archive' ? { head: null, ...(await auditArchive.verify(organisationId)) } : await audit.verify(organisationId)
    return { ...found, archived }
  })
}
