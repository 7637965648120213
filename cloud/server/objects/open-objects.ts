import { join } from 'node:path'
import { WrongSetting } from '@fusion/shared/configuration/read-settings.ts'
import { cloudFolder, type Config } from '../config.ts'
import { openFolderObjects } from './folder-objects.ts'
import type { ObjectTokens } from './object-tokens.ts'
import type { Objects } from './objects.ts'

/** With S3 where S3_BUCKET names a bucket; else in a folder of the data folder. */
export async function openObjects(config: Config, tokens: ObjectTokens): Promise<Objects> {
  const { s3Bucket: bucket } = config
  if (bucket === null && config.s3Endpoint !== null) throw new WrongSetting('S3_BUCKET must be set where S3_ENDPOINT is.')
  if (bucket === null) return openFolderObjects({ folder: join(cloudFolder(config), 'objects'), tokens })
  // Only where it is used: the client of S3 takes a while to load.
  const { openS3Objects } = await import('./s3-objects.ts')
  return openS3Objects({ ...config, bucket })
}
