import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../config.ts'
import { createObjectTokens } from './object-tokens.ts'
import { openObjects } from './open-objects.ts'
import { ContentDiffers, isKey, type ObjectInfo, type Objects } from './objects.ts'
import { skipWithoutS3, startS3, type TestS3 } from './testing/test-s3.ts'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const infoOf = (bytes: Uint8Array): ObjectInfo => ({ size: bytes.length, sha256: sha256(bytes), contentType: 'text/plain' })
const inPieces = (bytes: Uint8Array, size = 60_000) =>
  Readable.from(Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size)))

describe.each([
  ['a folder', false],
  ['S3 (versitygw)', true],
])('objects in %s', (_, byS3) => {
  describe.skipIf(byS3 && skipWithoutS3)('kept', () => {
    let home: string
    let s3: TestS3 | undefined
    let objects: Objects
    beforeAll(async () => {
      home = await mkdtemp(join(tmpdir(), 'fusion-objects-'))
      s3 = byS3 ? await startS3() : undefined
      const tokens = createObjectTokens({ key: randomBytes(32), publicUrl: () => 'http://127.0.0.1:1', clock: Date.now })
      objects = await openObjects(readConfig({ FUSION_HOME: home, ...s3?.env }), tokens)
    })
    afterAll(async () => {
      await objects.close()
      await s3?.close()
      await rm(home, { recursive: true, force: true })
    })
    const where = () => (s3 ? join(s3.folder, s3.bucket) : join(home, 'cloud/objects'))

    test('what is put is what is got, whole and in parts, with what it is', async () => {
      for (const size of [0, 1, 1_000_000]) {
        const bytes = randomBytes(size)
        await objects.put(`weights/of-${size}`, inPieces(bytes), infoOf(bytes))
        expect(await objects.head(`weights/of-${size}`)).toEqual(infoOf(bytes))
        const found = await objects.get(`weights/of-${size}`)
        expect(found?.info).toEqual(infoOf(bytes))
        expect(bytes.equals(await buffer(found!.body))).toBe(true)
        if (size < 2) continue
        const part = await objects.get(`weights/of-${size}`, { from: 70_000, to: 70_004 })
        expect(part?.info.size).toBe(size)
        expect(await buffer(part!.body)).toEqual(bytes.subarray(70_000, 70_005))
      }
      expect(await objects.get('weights/none')).toBeUndefined()
      expect(await objects.head('weights/none')).toBeUndefined()
      await objects.check.check()
    })

    test('what is not what was said is refused, and leaves what was there as it was', async () => {
      const bytes = randomBytes(200_000)
      await objects.put('backups/one', inPieces(bytes), infoOf(bytes))
      const wrong = Buffer.from(bytes)
      wrong[199_999]! ^= 1
      for (const other of [wrong, bytes.subarray(0, 100_000), Buffer.concat([bytes, bytes]), Buffer.alloc(0)])
        await expect(objects.put('backups/one', inPieces(other), infoOf(bytes))).rejects.toThrow(ContentDiffers)
      expect(bytes.equals(await buffer((await objects.get('backups/one'))!.body))).toBe(true)
      await expect(objects.put('backups/two', inPieces(wrong), infoOf(bytes))).rejects.toThrow(ContentDiffers)
      expect(await objects.head('backups/two')).toBeUndefined()
    })

    test('whoever sends it and goes leaves nothing behind', async () => {
      const bytes = randomBytes(100_000)
      async function* cutOff() {
        yield bytes.subarray(0, 50_000)
        throw new Error('gone')
      }
      await expect(objects.put('backups/cut', cutOff(), infoOf(bytes))).rejects.toThrow('gone')
      expect(await objects.head('backups/cut')).toBeUndefined()
      if (!byS3) expect(await readdir(join(where(), '.incoming'))).toEqual([])
    })

    test('what was damaged where it lies is not told as if it were whole', async () => {
      const bytes = randomBytes(200_000)
      await objects.put('audit/year', inPieces(bytes), infoOf(bytes))
      const file = join(where(), byS3 ? 'audit/year' : 'audit/year.object')
      const kept = await readFile(file)
      kept[kept.length - 5]! ^= 1
      await writeFile(file, kept)
      const { body } = (await objects.get('audit/year'))!
      await expect(buffer(body)).rejects.toThrow(ContentDiffers)
    })

    test('they are listed in order, after the last that is known, and deleted for good', async () => {
      const bytes = Buffer.from('text')
      for (const key of ['audit/b/two', 'audit/b/one', 'audit/c']) await objects.put(key, inPieces(bytes), infoOf(bytes))
      expect(await objects.list('audit/b')).toEqual([
        { key: 'audit/b/one', size: 4 },
        { key: 'audit/b/two', size: 4 },
      ])
      expect((await objects.list('audit/', 'audit/b/one')).map(({ key }) => key).slice(0, 2)).toEqual(['audit/b/two', 'audit/c'])
      await objects.delete('audit/b/one')
      await objects.delete('audit/b/one')
      expect((await objects.list('audit/b')).map(({ key }) => key)).toEqual(['audit/b/two'])
    })

    test('no key leads anywhere else', async () => {
      const bytes = Buffer.from('text')
      for (const key of [
        '../up',
        'audit/../../up',
        '/etc/passwd',
        'audit/.hidden',
        'audit//a',
        'audit/a\\b',
        'other/a',
        'audit',
        'audit/x.object',
      ])
        await expect(objects.put(key, inPieces(bytes), infoOf(bytes))).rejects.toThrow('not a key')
    })
  })
})

test('a key of any text that is taken stays below its namespace', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('.', '/', '\\', 'a', 'audit', ' ', '\0', '%2e', 'Ä') }), text => {
      if (isKey(text)) expect(join('/root', text).startsWith('/root/audit/')).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})

describe.skipIf(skipWithoutS3)('with S3 (versitygw)', () => {
  test('an S3 that is gone is told as a part that is missing', async () => {
    const s3 = await startS3()
    const objects = await openObjects(
      readConfig(s3.env),
      createObjectTokens({ key: randomBytes(32), publicUrl: () => '', clock: Date.now }),
    )
    await s3.close()
    await expect(objects.head('audit/a')).rejects.toMatchObject({ code: 'cloud-part-missing' })
    await expect(objects.put('audit/a', inPieces(Buffer.from('a')), infoOf(Buffer.from('a')))).rejects.toMatchObject({
      code: 'cloud-part-missing',
    })
    await expect(objects.check.check()).rejects.toThrow()
    await objects.close()
  })
})
