import { Readable } from 'node:stream'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Config } from '../config.ts'
import { checked, checkKey, ContentDiffers, type ObjectInfo, type Objects } from './objects.ts'

export type S3Settings = Pick<Config, 's3Endpoint' | 's3Region' | 's3AccessKeyId' | 's3SecretAccessKey' | 's3PathStyle'> & {
  bucket: string
}

const CONNECT_MS = 2_000
/** Without a byte in either direction. */
const SILENT_MS = 20_000
/** Besides `x-amz-checksum-sha256`, which S3 keeps its own way: what a part of an object is of can be told from this alone. */
const HASH = 'sha256'

export function openS3Objects({ bucket, ...settings }: S3Settings): Objects {
  const { s3Endpoint, s3Region, s3AccessKeyId, s3SecretAccessKey, s3PathStyle } = settings
  const client = new S3Client({
    region: s3Region,
    forcePathStyle: s3PathStyle,
    ...(s3Endpoint && { endpoint: s3Endpoint }),
    // Without: as AWS' own programs find theirs, by the role of the machine.
    ...(s3AccessKeyId && s3SecretAccessKey && { credentials: { accessKeyId: s3AccessKeyId, secretAccessKey: s3SecretAccessKey } }),
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENT_MS },
    // It would write to the console what is told here by a throw.
    logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    // The hash is known before: nothing has to be computed here, and other servers than AWS' take no trailing checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })

  const place = (key: string) => {
    checkKey(key)
    return { Bucket: bucket, Key: key }
  }
  const putting = (key: string, { size, sha256, contentType }: ObjectInfo) => ({
    ...place(key),
    ContentLength: size,
    ContentType: contentType,
    ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
    Metadata: { [HASH]: sha256 },
  })

  return {
    async put(key, body, info) {
      const stop = new AbortController()
      const bytes = Readable.from(checked(body, info), { objectMode: false })
      let broken: Error | undefined
      bytes.on('error', error => {
        broken = error
        stop.abort()
      })
      const command = new PutObjectCommand({ ...putting(key, info), Body: bytes })
      // The signature then holds the content too, also where the connection is not encrypted.
      command.middlewareStack.add(
        next => args => {
          Object.assign((args.request as { headers: object }).headers, { 'x-amz-content-sha256': info.sha256 })
          return next(args)
        },
        { step: 'build', name: 'signedContent' },
      )
      try {
        await told(client.send(command, { abortSignal: stop.signal }))
      } catch (error) {
        throw broken ?? error
      } finally {
        bytes.destroy()
      }
    },

    async get(key, range) {
      const Range = range && `bytes=${range.from}-${range.to}`
      const found = await told(client.send(new GetObjectCommand({ ...place(key), Range })))
      if (!found) return undefined
      const body = found.Body as Readable
      const info = infoOf(found, range && Number(found.ContentRange?.split('/')[1]))
      return { info, body: range ? body : Readable.from(checked(body, info), { objectMode: false }) }
    },

    async head(key) {
      const found = await told(client.send(new HeadObjectCommand(place(key))))
      return found && infoOf(found)
    },

    async delete(key) {
      await told(client.send(new DeleteObjectCommand(place(key))))
    },

    async list(prefix, after) {
      const listed = await told(
        client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, StartAfter: after, MaxKeys: 1_000 })),
      )
      return (listed?.Contents ?? []).map(({ Key = '', Size = 0 }) => ({ key: Key, size: Size }))
    },

    async presignGet(key, seconds) {
      return { method: 'GET', url: await getSignedUrl(client, new GetObjectCommand(place(key)), { expiresIn: seconds }), headers: {} }
    },

    async presignPut(key, info, seconds) {
      const headers = {
        'content-type': info.contentType,
        'content-length': String(info.size),
        'x-amz-checksum-sha256': Buffer.from(info.sha256, 'hex').toString('base64'),
        [`x-amz-meta-${HASH}`]: info.sha256,
      }
      // Signed as headers, so that S3 refuses any other content; in the address it may overlook them.
      const names = new Set(Object.keys(headers))
      const options = { expiresIn: seconds, signableHeaders: new Set([...names, 'host']), unhoistableHeaders: names }
      return { method: 'PUT', url: await getSignedUrl(client, new PutObjectCommand(putting(key, info)), options), headers }
    },

    check: { embedded: false, check: () => client.send(new HeadBucketCommand({ Bucket: bucket })) },
    close: async () => client.destroy(),
  }
}

function infoOf(
  { ContentLength, ContentType, Metadata }: Pick<HeadObjectCommandOutput, 'ContentLength' | 'ContentType' | 'Metadata'>,
  size = ContentLength ?? 0,
): ObjectInfo {
  return { size, sha256: Metadata?.[HASH] ?? '', contentType: ContentType ?? 'application/octet-stream' }
}

/** undefined where S3 says that there is no such object; a `Failure` where it says nothing, or nothing useful. */
async function told<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } }
    if (name === 'NoSuchKey' || name === 'NotFound') return undefined
    if (name === 'BadDigest' || name === 'XAmzContentSHA256Mismatch' || name === 'XAmzContentChecksumMismatch')
      throw new ContentDiffers('S3 found another hash')
    const status = $metadata?.httpStatusCode
    if (status === undefined || status >= 500) throw failure('cloud-part-missing', undefined, { cause: error, retryable: true })
    throw error
  }
}
