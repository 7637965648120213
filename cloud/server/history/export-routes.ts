import { Readable } from 'node:stream'
import { type ExportLine, exportRoutes } from '@fusion/shared/contract/cloud/export.ts'
import { objectRoutes } from '@fusion/shared/contract/cloud/objects.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { FastifyInstance } from 'fastify'
import { listAttachments } from '../../database/attachments.ts'
import { listAllConversations } from '../../database/conversations.ts'
import { listAllMessages, type MessagePlace } from '../../database/messages.ts'
import { findOrganisation } from '../../database/organisations.ts'
import { findUser } from '../../database/users.ts'
import type { Caller } from '../caller.ts'
import { serve } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'

/** Rows of one read; fewer where they are large. */
const PAGE = 100

/** A person's own file of all that is kept of them, as fast as they take it: no more than a page waits here. */
export async function exportHistory(app: FastifyInstance, { database }: Pick<Parts, 'database'>): Promise<void> {
  serve(app, exportRoutes.export, async ({ caller, reply }) => {
    const account = await accountOf(caller)
    reply.header('content-disposition', 'attachment; filename="fusion-export.jsonl"').header('cache-control', 'no-store')
    return Readable.from(pieces(account, caller.userId), { objectMode: false })
  })

  async function accountOf({ userId, organisationId }: Caller): Promise<ExportLine> {
    const [user, organisation] = await Promise.all([findUser(database, userId), findOrganisation(database, organisationId)])
    if (!user || !organisation) throw failure('signed-out')
    const { id, email, name, role } = user
    return { type: 'account', user: { id, email, name, role }, organisation: { id: organisation.id, name: organisation.name } }
  }

  /** What is written in the meantime may be in it or not; each line is whole. */
  async function* pieces(account: ExportLine, userId: string): AsyncGenerator<string, void, void> {
    yield written([account])
    const counts = { conversations: 0, messages: 0, attachments: 0 }
    for (let after: string | undefined; ;) {
      const from = after
      const rows = await database.readAsUser(userId, tx => listAllConversations(tx, userId, { after: from, limit: PAGE }))
      yield written(rows.map(({ gone: _, ...conversation }) => ({ type: 'conversation', ...conversation })))
      counts.conversations += rows.length
      if (rows.length < PAGE) break
      after = rows.at(-1)!.id
    }
    for (let after: MessagePlace | undefined; ;) {
      const from = after
      const rows = await database.readAsUser(userId, tx => listAllMessages(tx, userId, { after: from, limit: PAGE }))
      yield written(rows.map(({ version: _, ...message }) => ({ type: 'message', ...message })))
      counts.messages += rows.length
      if (rows.length === 0) break
      after = rows.at(-1)
    }
    for (let after: string | undefined; ;) {
      const from = after
      const rows = await database.readAsUser(userId, tx => listAttachments(tx, { after: from, limit: PAGE }))
      yield written(rows.map(({ hash, size }) => ({ type: 'attachment', hash, bytes: size, path: pathOf(hash) })))
      counts.attachments += rows.length
      if (rows.length < PAGE) break
      after = rows.at(-1)!.hash
    }
    yield written([{ type: 'end', ...counts }])
  }
}

const written = (lines: readonly ExportLine[]) => lines.map(line => `${JSON.stringify(line)}\n`).join('')
const pathOf = (hash: string) => objectRoutes.getAttachment.path.replace('{hash}', hash)
