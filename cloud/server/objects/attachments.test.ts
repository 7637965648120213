import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AttachmentLink } from '@fusion/shared/contract/cloud/objects.ts'
import { cloudFolder } from '../config.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'
import { skipWithoutS3, startS3, type TestS3 } from './testing/test-s3.ts'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe.each([
  ['a folder', false],
  ['S3 (versitygw)', true],
])('attachments in %s', (_, byS3) => {
  describe.skipIf(byS3 && skipWithoutS3)('kept', () => {
    let cloud: TestCloud
    let s3: TestS3 | undefined
    let mine: string
    let others: string
    let now = Date.now()
    beforeAll(async () => {
      s3 = byS3 ? await startS3() : undefined
      cloud = await startTestCloud({ env: { ...s3?.env, FUSION_ATTACHMENT_BYTES: '1000000' }, clock: () => now })
      mine = await cloud.signIn('one@example.org')
      others = await cloud.signIn('other@example.org')
    })
    afterAll(async () => {
      await cloud.close()
      await s3?.close()
    })

    const ask = (token: string, path: string, init: RequestInit = {}) =>
      fetch(`${cloud.url}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) } })
    const put = (token: string, hash: string, body: Buffer) =>
      ask(token, `/v1/attachments/${hash}`, {
        method: 'PUT',
        body: new Uint8Array(body),
        headers: { 'content-type': 'application/octet-stream' },
      })
    const bytesOf = async (reply: Response) => Buffer.from(await reply.arrayBuffer())

    test('a file is kept under its hash, for the person who put it and nobody else, until it is deleted', async () => {
      const bytes = randomBytes(300_000)
      const hash = sha256(bytes)
      const path = `/v1/attachments/${hash}`
      expect((await put(mine, hash, bytes)).status).toBe(204)
      expect((await put(mine, hash, bytes)).status).toBe(204)
      const got = await ask(mine, path)
      expect([got.status, got.headers.get('content-type'), got.headers.get('content-disposition')]).toEqual([
        200,
        'application/octet-stream',
        'attachment',
      ])
      expect(bytes.equals(await bytesOf(got))).toBe(true)

      expect((await ask(others, path)).status).toBe(404)
      expect((await ask(others, path, { method: 'DELETE' })).status).toBe(404)
      const link = { method: 'POST', body: '{"method":"GET"}', headers: { 'content-type': 'application/json' } }
      expect((await ask(others, `${path}/links`, link)).status).toBe(404)
      expect((await fetch(`${cloud.url}${path}`)).status).toBe(401)

      expect((await ask(mine, path, { method: 'DELETE' })).status).toBe(204)
      expect((await ask(mine, path)).status).toBe(404)
    })

    test('parts are given as Range asks', async () => {
      const bytes = randomBytes(10_000)
      const path = `/v1/attachments/${sha256(bytes)}`
      await put(mine, sha256(bytes), bytes)
      const part = async (range: string) => {
        const reply = await ask(mine, path, { headers: { range } })
        return [reply.status, reply.headers.get('content-range'), await bytesOf(reply)]
      }
      expect(await part('bytes=5-9')).toEqual([206, 'bytes 5-9/10000', bytes.subarray(5, 10)])
      expect(await part('bytes=9990-')).toEqual([206, 'bytes 9990-9999/10000', bytes.subarray(9_990)])
      expect(await part('bytes=-3')).toEqual([206, 'bytes 9997-9999/10000', bytes.subarray(9_997)])
      expect((await part('bytes=10000-')).slice(0, 2)).toEqual([416, 'bytes */10000'])
      expect((await part('bytes=1-2,5-6'))[0]).toBe(200)
    })

    test('what is not of its hash, or says no length, is refused and not kept', async () => {
      const bytes = randomBytes(100_000)
      const hash = sha256(bytes)
      const wrong = await put(mine, hash, randomBytes(100_000))
      expect([wrong.status, (await wrong.json()) as object]).toMatchObject([400, { error: { code: 'content_differs' } }])
      const endless = await ask(mine, `/v1/attachments/${hash}`, {
        method: 'PUT',
        body: new Blob([new Uint8Array(bytes)]).stream(),
        duplex: 'half',
        headers: { 'content-type': 'application/octet-stream' },
      })
      expect(endless.status).toBe(411)
      expect((await ask(mine, `/v1/attachments/${hash}`)).status).toBe(404)
      expect((await put(mine, 'no-hash', bytes)).status).toBe(400)
      expect((await ask(mine, `/v1/attachments/${hash}`, { method: 'PUT' })).status).toBe(400)
    })

    test('a client that vanishes while it sends leaves nothing, and the next one is served', async () => {
      const bytes = randomBytes(400_000)
      const path = `/v1/attachments/${sha256(bytes)}`
      const sending = request(`${cloud.url}${path}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${mine}`, 'content-type': 'application/octet-stream', 'content-length': bytes.length },
      })
      sending.on('error', () => {})
      sending.write(bytes.subarray(0, 300_000))
      // One is the question itself.
      const inFlight = async () => /fusion_requests_in_flight (\d+)/.exec(await (await fetch(`${cloud.url}/metrics`)).text())?.[1]
      await expect.poll(inFlight).toBe('2')
      sending.destroy()
      await expect.poll(inFlight).toBe('1')
      expect((await ask(mine, path)).status).toBe(404)
      expect((await put(mine, sha256(bytes), bytes)).status).toBe(204)
      const incoming = join(cloudFolder(cloud.parts.config), 'objects/.incoming')
      if (!byS3) await expect.poll(() => readdir(incoming)).toEqual([])
    })

    test('a person has so much room for files, and again when some are deleted', async () => {
      const token = await cloud.signIn('much@example.org')
      const [one, two] = [randomBytes(600_000), randomBytes(500_000)]
      expect((await put(token, sha256(one), one)).status).toBe(204)
      const full = await put(token, sha256(two), two)
      expect([full.status, await full.json()]).toMatchObject([413, { error: { code: 'files_full' } }])
      expect((await put(token, sha256(one), one)).status).toBe(204)
      await ask(token, `/v1/attachments/${sha256(one)}`, { method: 'DELETE' })
      expect((await put(token, sha256(two), two)).status).toBe(204)
    })

    test('a link takes a file without a token, that one alone, and gives it; when its time is over it does neither', async () => {
      const bytes = randomBytes(50_000)
      const path = `/v1/attachments/${sha256(bytes)}`
      const linkOf = async (body: object) => {
        const init = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
        return (await (await ask(mine, `${path}/links`, init)).json()) as AttachmentLink
      }
      const send = async ({ method, url, headers }: AttachmentLink, body: Buffer) => {
        const { 'content-length': _length, ...others } = headers
        return (await fetch(url, { method, headers: others, body: new Uint8Array(body) })).status
      }
      const to = await linkOf({ method: 'PUT', size: bytes.length })
      expect((await ask(mine, path)).status).toBe(404)
      expect(await send(to, randomBytes(50_000))).toBeGreaterThanOrEqual(400)
      expect(await send(to, bytes.subarray(1))).toBeGreaterThanOrEqual(400)
      expect((await ask(mine, path)).status).toBe(404)
      expect(await send(to, bytes)).toBeLessThan(300)
      expect(bytes.equals(await bytesOf(await ask(mine, path)))).toBe(true)

      const from = await linkOf({ method: 'GET' })
      expect(bytes.equals(await bytesOf(await fetch(from.url)))).toBe(true)
      expect((await fetch(from.url.replace(/.{3}$/, 'AAA'))).status).toBeGreaterThanOrEqual(400)
      if (byS3) return
      now += 901_000
      expect((await fetch(from.url)).status).toBe(404)
      expect(await send(to, bytes)).toBe(404)
    })
  })
})
