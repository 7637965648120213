import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { SecretPlace } from './keychain.ts'

const FORM = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * Where there is no keychain: an encrypted file in the data folder, with its key in another beside it. Who may read the folder can read the
 * secret; a copy of the one file alone, or a search for tokens, finds nothing.
 */
export function openSecretFile(folder: string): SecretPlace {
  const file = join(folder, 'account.secret')
  const keyFile = join(folder, 'account.key')

  async function key(): Promise<Buffer> {
    const kept = await readIfThere(keyFile)
    if (kept?.length === 32) return kept
    const made = randomBytes(32)
    await writeWhole(keyFile, made)
    return made
  }

  return {
    async read() {
      const sealed = await readIfThere(file)
      if (!sealed) return undefined
      try {
        const decipher = createDecipheriv(FORM, await key(), sealed.subarray(0, IV_BYTES))
        decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
        return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString()
      } catch {
        // Damaged, or its key is gone: the person signs in again.
        return undefined
      }
    },
    async write(secret) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv(FORM, await key(), iv)
      const text = Buffer.concat([cipher.update(secret), cipher.final()])
      await writeWhole(file, Buffer.concat([iv, cipher.getAuthTag(), text]))
    },
    async forget() {
      await rm(file, { force: true })
      await rm(keyFile, { force: true })
    },
  }
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Either the old content is there or the new, whatever happens in between. */
export async function writeWhole(file: string, content: Buffer | string): Promise<void> {
  const beside = `${file}.new`
  const handle = await open(beside, 'w', 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(beside, file)
}
