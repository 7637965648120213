// A real S3 server for a test: versitygw, at FUSION_VERSITYGW or where docs/tests.md builds it. Where there is none, tests of S3 are skipped.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { freePort } from '../../../database/free-port.ts'

const program = [process.env['FUSION_VERSITYGW'], join(homedir(), '.cache/fusion-s3/versitygw')].find(file => file && existsSync(file))
export const skipWithoutS3 = program === undefined

export interface TestS3 {
  /** The settings of a cloud that uses it. */
  env: Record<string, string>
  folder: string
  bucket: string
  close(): Promise<void>
}

export async function startS3(): Promise<TestS3> {
  const folder = await mkdtemp(join(tmpdir(), 'fusion-s3-'))
  const port = await freePort()
  const [id, secret, bucket] = ['fusion-test', randomBytes(16).toString('hex'), 'fusion']
  const endpoint = `http://127.0.0.1:${port}`
  const child: ChildProcess = spawn(
    program!,
    ['--port', `127.0.0.1:${port}`, '--access', id, '--secret', secret, '--quiet', 'posix', folder],
    {
      stdio: 'ignore',
    },
  )
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: id, secretAccessKey: secret },
  })
  for (let tries = 0; ; tries++) {
    try {
      await client.send(new CreateBucketCommand({ Bucket: bucket }))
      break
    } catch (error) {
      if (tries === 100 || child.exitCode !== null) throw error
      await delay(100)
    }
  }
  client.destroy()
  return {
    env: { S3_ENDPOINT: endpoint, S3_BUCKET: bucket, S3_ACCESS_KEY_ID: id, S3_SECRET_ACCESS_KEY: secret },
    folder,
    bucket,
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}
