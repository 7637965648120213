import { deriveKey, readSecretKey } from '../auth/secret-key.ts'
import { cloudFolder, type Config } from '../config.ts'
import { createObjectTokens } from './object-tokens.ts'
import type { Objects } from './objects.ts'
import { openObjects } from './open-objects.ts'

/** Opens the files of this cloud for a command, beside a server that runs or without one. Links lead to where such a server answers. */
export async function withObjects<T>(config: Config, work: (objects: Objects) => Promise<T>): Promise<T> {
  const key = deriveKey(await readSecretKey({ configured: config.secretKey, folder: cloudFolder(config) }), 'objects')
  const publicUrl = () => config.publicUrl?.replace(/\/+$/, '') ?? `http://${config.host}:${config.port}`
  const objects = await openObjects(config, createObjectTokens({ key, publicUrl, clock: Date.now }))
  try {
    return await work(objects)
  } finally {
    await objects.close()
  }
}
