// The one secret of a cloud: what is derived from it encrypts signing keys, and makes refresh tokens. It is in no database.
import { hkdfSync, randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The key of the settings, or the one in `folder`, which is made there at the first start, for its owner alone. */
export async function readSecretKey({ configured, folder }: { configured: string | null; folder: string }): Promise<Buffer> {
  if (configured) return Buffer.from(configured, 'utf8')
  const file = join(folder, 'secret-key')
  await mkdir(folder, { recursive: true })
  try {
    // Fails where the file is there: two starts at once agree on the first one's.
    await writeFile(file, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx', flush: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return Buffer.from(await readFile(file, 'utf8'), 'utf8')
}

/** 32 bytes for one purpose alone. */
export function deriveKey(secretKey: Buffer, purpose: string, salt: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.from(hkdfSync('sha256', secretKey, salt, `fusion ${purpose}`, 32))
}
