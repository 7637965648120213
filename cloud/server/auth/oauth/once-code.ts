import { createHash, randomBytes } from 'node:crypto'

/** A secret of 256 bits that is shown once, and what is kept of it. */
export function makeOnceCode(): { code: string; hash: Buffer } {
  const code = randomBytes(32).toString('base64url')
  return { code, hash: hashOf(code) }
}

/** SHA-256 is enough: there is nothing to guess in 256 random bits. */
export const hashOf = (code: string): Buffer => createHash('sha256').update(code).digest()
