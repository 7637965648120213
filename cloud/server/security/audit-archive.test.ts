import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createOrganisation } from '../../database/organisations.ts'
import { asOwner } from '../../database/testing/as-owner.ts'
import { skipWithoutS3, startS3, type TestS3 } from '../objects/testing/test-s3.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

describe.each([
  ['a folder', false],
  ['S3 (versitygw)', true],
])('the audit log archived in %s', (_, byS3) => {
  describe.skipIf(byS3 && skipWithoutS3)('kept', () => {
    let cloud: TestCloud
    let s3: TestS3 | undefined
    beforeAll(async () => {
      s3 = byS3 ? await startS3() : undefined
      cloud = await startTestCloud({ env: { ...s3?.env } })
    })
    afterAll(async () => {
      await cloud.close()
      await s3?.close()
    })

    async function organisation() {
      const { id } = await createOrganisation(cloud.database, 'Another')
      const write = async (count: number) => {
        for (let number = 0; number < count; number++)
          await cloud.parts.audit.write({ event: 'sign-in', organisationId: id, address: '127.0.0.1', detail: { number } })
      }
      const names = async () => (await cloud.parts.objects.list(`audit/${id}/`)).map(({ key }) => key.split('/').at(-1))
      return { id, write, names, verify: () => cloud.parts.auditArchive.verify(id) }
    }

    test('what is new is copied, once, and the copies are a whole chain', async () => {
      const { id, write, names, verify } = await organisation()
      const other = await organisation()
      await other.write(1)
      await write(3)
      await Promise.all(Array.from({ length: 3 }, () => cloud.parts.auditArchive.archive()))
      await cloud.parts.auditArchive.archive()
      await write(2)
      await cloud.parts.auditArchive.archive()
      expect(await names()).toEqual(['000000000000001-000000000000003.jsonl', '000000000000004-000000000000005.jsonl'])
      expect(await verify()).toEqual({ events: 5, broken: null })
      expect(await cloud.parts.auditArchive.lastArchived(id)).toBe(5)
      expect(await other.verify()).toEqual({ events: 1, broken: null })
    })

    test('a copy that is missing, changed or put in is seen, and so is a database that was changed after it was copied', async () => {
      const { id, write, names, verify } = await organisation()
      for (let round = 0; round < 3; round++) {
        await write(2)
        await cloud.parts.auditArchive.archive()
      }
      const { objects, audit } = cloud.parts
      const key = `audit/${id}/${(await names())[1]!}`
      const found = await objects.get(key)
      const pieces: Uint8Array[] = []
      for await (const piece of found!.body) pieces.push(piece as Uint8Array)
      const block = Buffer.concat(pieces)
      const put = async (bytes: Buffer) => {
        await objects.delete(key)
        const sha256 = createHash('sha256').update(bytes).digest('hex')
        await objects.put(
          key,
          (async function* () {
            yield bytes
          })(),
          { size: bytes.length, sha256, contentType: 'application/jsonl' },
        )
      }
      await put(Buffer.from(block.toString().replace('"number":1', '"number":9')))
      expect(await verify()).toEqual({ events: 3, broken: { seq: 4, why: 'changed' } })
      const [one, two] = block.toString().trimEnd().split('\n')
      await put(Buffer.from(`${two}\n${one}\n`))
      expect(await verify()).toEqual({ events: 2, broken: { seq: 3, why: 'missing' } })
      await objects.delete(key)
      expect(await verify()).toEqual({ events: 2, broken: { seq: 3, why: 'missing' } })
      await put(block)
      expect(await verify()).toEqual({ events: 6, broken: null })

      await asOwner(
        cloud.databaseUrl,
        'alter table audit_events disable trigger all',
        `update audit_events set address = '10.0.0.1' where organisation_id = '${id}' and seq = 2`,
        'alter table audit_events enable trigger all',
      )
      expect(await audit.verify(id)).toMatchObject({ broken: { seq: 2, why: 'changed' } })
      expect(await verify()).toEqual({ events: 6, broken: null })
    })

    test('an auditor is told how far the copies reach, and whether they are whole', async () => {
      const token = await cloud.signIn()
      await cloud.parts.audit.write({ event: 'sign-in', organisationId: cloud.organisation.id })
      await cloud.parts.auditArchive.archive()
      const ask = async (query: string) => {
        const reply = await fetch(`${cloud.url}/v1/admin/audit/verification${query}`, { headers: { authorization: `Bearer ${token}` } })
        return reply.json()
      }
      const archived = await cloud.parts.auditArchive.lastArchived(cloud.organisation.id)
      expect(archived).toBeGreaterThan(0)
      expect(await ask('')).toMatchObject({ broken: null, archived })
      expect(await ask('?of=archive')).toEqual({ events: archived, broken: null, head: null, archived })
    })
  })
})
