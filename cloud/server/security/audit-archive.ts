// Copies of the audit log among the objects, where whoever can write to the database alone can't reach them.
import { createHash } from 'node:crypto'
import { type AuditRow, holdAuditArchive, listAuditChains, listAuditRowsAfter } from '../../database/audit.ts'
import type { Database } from '../../database/connection.ts'
import type { Objects } from '../objects/objects.ts'
import type { ChainCheck, Verification } from './audit.ts'

export interface AuditArchiveOptions {
  database: Database
  objects: Objects
  /** Checks links one after the other, by the key of this cloud. */
  checkChain: (organisationId: string) => ChainCheck
  onTrouble: () => void
}

const ARCHIVE_MS = 3_600_000
/** Links in one object: some megabytes. */
const BLOCK = 10_000
const DIGITS = 15
const NAME = new RegExp(`/(\\d{${DIGITS}})-(\\d{${DIGITS}})\\.jsonl$`)

export type AuditArchive = ReturnType<typeof createAuditArchive>

/** Archives what is new every hour; of several servers one does. */
export function createAuditArchive({ database, objects, checkChain, onTrouble }: AuditArchiveOptions) {
  let archiving = Promise.resolve()
  const timer = setInterval(() => {
    archiving = archiving.then(() => archive().catch(onTrouble))
  }, ARCHIVE_MS)
  timer.unref()

  const prefixOf = (organisationId: string) => `audit/${organisationId}/`
  const padded = (seq: number) => String(seq).padStart(DIGITS, '0')

  /** Blocks in their order. */
  async function* blocksOf(organisationId: string): AsyncGenerator<{ key: string; first: number; last: number }> {
    for (let after: string | undefined; ;) {
      const page = await objects.list(prefixOf(organisationId), after)
      for (const { key } of page) {
        const [, first, last] = NAME.exec(key) ?? []
        if (first) yield { key, first: Number(first), last: Number(last) }
      }
      if (page.length === 0) return
      after = page.at(-1)!.key
    }
  }

  async function lastArchived(organisationId: string): Promise<number> {
    let seq = 0
    for await (const { last } of blocksOf(organisationId)) seq = last
    return seq
  }

  async function archive(): Promise<void> {
    await holdAuditArchive(database, async () => {
      for (const organisationId of await listAuditChains(database)) {
        let seq = await lastArchived(organisationId)
        for (;;) {
          const rows = await listAuditRowsAfter(database, organisationId, seq, BLOCK)
          if (rows.length === 0) break
          const bytes = Buffer.from(rows.map(row => `${JSON.stringify(written(row))}\n`).join(''))
          const key = `${prefixOf(organisationId)}${padded(rows[0]!.seq)}-${padded(rows.at(-1)!.seq)}.jsonl`
          const sha256 = createHash('sha256').update(bytes).digest('hex')
          await objects.put(key, toPieces(bytes), { size: bytes.length, sha256, contentType: 'application/jsonl' })
          seq = rows.at(-1)!.seq
        }
      }
    })
  }

  return {
    archive,
    lastArchived,
    /** Goes through the whole archive of an organisation, to the first broken link. A block that the objects know to be damaged fails. */
    async verify(organisationId: string): Promise<Pick<Verification, 'events' | 'broken'>> {
      const check = checkChain(organisationId)
      for await (const { key } of blocksOf(organisationId)) {
        const found = await objects.get(key)
        const pieces: Uint8Array[] = []
        for await (const piece of found?.body ?? []) pieces.push(piece as Uint8Array)
        for (const line of Buffer.concat(pieces).toString('utf8').split('\n'))
          if (line !== '' && check.next(read(line, organisationId))) return check.result()
      }
      return check.result()
    },
    async close(): Promise<void> {
      clearInterval(timer)
      await archiving
    },
  }
}

const written = ({ seq, at, event, actorId, subjectId, address, detail, hash }: AuditRow) => ({
  seq,
  at: at.getTime(),
  event,
  actorId,
  subjectId,
  address,
  detail,
  hash: hash.toString('hex'),
})

function read(line: string, organisationId: string): AuditRow {
  const { at, hash, ...rest } = JSON.parse(line) as ReturnType<typeof written>
  return { ...rest, organisationId, at: new Date(at), hash: Buffer.from(hash, 'hex') }
}

async function* toPieces(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}
