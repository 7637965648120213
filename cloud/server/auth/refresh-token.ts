// `<session>.<counter>.<proof>`: the proof is derived, so that no refresh token, and nothing like one, is kept anywhere.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { deriveKey } from './secret-key.ts'

export interface RefreshFamily {
  sessionId: string
  /** Random, of this session alone; it lies in the database, and is worth nothing without the secret key. */
  salt: Buffer
}

const FORM = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(\d{1,9})\.([A-Za-z0-9_-]{43})$/

export function makeRefreshToken(secretKey: Buffer, { sessionId, salt }: RefreshFamily, counter: number): string {
  return `${sessionId}.${counter}.${proof(secretKey, { sessionId, salt }, counter).toString('base64url')}`
}

/** What a token says of itself; not proven yet. */
export function readRefreshToken(token: string): { sessionId: string; counter: number; proof: Buffer } | undefined {
  const [, sessionId, counter, text] = FORM.exec(token) ?? []
  return sessionId && counter && text ? { sessionId, counter: Number(counter), proof: Buffer.from(text, 'base64url') } : undefined
}

export function isProven(secretKey: Buffer, family: RefreshFamily, read: { counter: number; proof: Buffer }): boolean {
  return timingSafeEqual(proof(secretKey, family, read.counter), read.proof)
}

function proof(secretKey: Buffer, { sessionId, salt }: RefreshFamily, counter: number): Buffer {
  return createHmac('sha256', deriveKey(secretKey, 'refresh family', salt))
    .update(`${sessionId}.${counter}`)
    .digest()
}
