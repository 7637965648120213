// `fusion_<id>_<secret>`: the id finds the key, the secret proves it. Of the secret only the hash is kept: it has 256 random bits, so that
// nothing slower is needed.
import { hash, randomBytes } from 'node:crypto'
import { API_KEY_PREFIX } from '../auth/authenticate.ts'

const FORM = new RegExp(`^${API_KEY_PREFIX}([0-9a-f]{32})_([A-Za-z0-9_-]{43})$`)

export interface ReadApiKey {
  id: string
  secretHash: Buffer
}

/** What a key begins with, by which its owner can tell it from others. */
export const beginOf = (id: string): string => `${API_KEY_PREFIX}${id.replaceAll('-', '')}`

export function makeApiKeyText(id: string): { text: string; secretHash: Buffer } {
  const secret = randomBytes(32).toString('base64url')
  return { text: `${beginOf(id)}_${secret}`, secretHash: hashOf(secret) }
}

/** What a key says of itself; not proven yet. */
export function readApiKeyText(text: string): ReadApiKey | undefined {
  const [, hex, secret] = FORM.exec(text) ?? []
  if (!hex || !secret) return undefined
  return { id: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'), secretHash: hashOf(secret) }
}

const hashOf = (secret: string) => hash('sha256', secret, 'buffer')
