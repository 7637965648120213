import { createPublicKey } from 'node:crypto'
import { failure } from '@fusion/shared/contract/failures.ts'
import { calculateJwkThumbprint, type CryptoKey, exportJWK, exportPKCS8, generateKeyPair, importJWK, importPKCS8, type JWK } from 'jose'
import type { Database } from '../../database/connection.ts'
import { listSigningKeys, rotateSigningKeys, type SigningKeyRow } from '../../database/signing-keys.ts'
import type { Clock } from '../clock.ts'
import { ACCESS_TOKEN_MS } from './lifetimes.ts'
import { seal, unseal } from './seal.ts'

export const ALGORITHM = 'EdDSA'
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const SIGNS_MS = 30 * DAY_MS
/** A key is published this long before it signs: far longer than anybody keeps a copy of the set. */
const PUBLISHED_BEFORE_MS = DAY_MS
/** Each server looks again this often, and sooner when a token names a key that it does not know, but no more than that. */
const LOOK_MS = 60_000
const UNKNOWN_LOOK_MS = 2_000

interface Key {
  id: string
  publicKey: CryptoKey
  jwk: JWK
  privateKey: CryptoKey
  signsFrom: number
  signsUntil: number
}

export interface SigningKeys {
  /** The key that signs now. */
  signer(): Promise<{ id: string; privateKey: CryptoKey }>
  publicKey(id: string): Promise<CryptoKey | undefined>
  /** What others check tokens with: keys that sign, signed not long ago, or will. */
  published(): Promise<{ keys: JWK[] }>
}

/**
 * Keys that rotate by themselves, shared by all servers through the database, where they lie encrypted by `wrappingKey`. All that is asked
 * throws `secret-key-differs` where they were encrypted by another.
 */
export function createSigningKeys({
  database,
  wrappingKey,
  clock,
}: {
  database: Database
  wrappingKey: Buffer
  clock: Clock
}): SigningKeys {
  let keys: Key[] = []
  let lookedAt = -Infinity
  let looking: Promise<void> | undefined

  async function look(): Promise<void> {
    const now = clock()
    let rows = await listSigningKeys(database)
    if (due(rows, now) !== undefined)
      rows = await rotateSigningKeys(database, {
        now: new Date(now),
        endedBefore: new Date(now - ACCESS_TOKEN_MS - HOUR_MS),
        next: async kept => {
          const signsFrom = due(kept, now)
          return signsFrom === undefined ? undefined : makeKey(signsFrom, wrappingKey)
        },
      })
    keys = await Promise.all(rows.map(row => openKey(row, wrappingKey)))
    lookedAt = now
  }

  async function fresh(maxAgeMs: number): Promise<Key[]> {
    if (clock() - lookedAt >= maxAgeMs) {
      looking ??= look().finally(() => (looking = undefined))
      await looking
    }
    return keys
  }

  return {
    async signer() {
      const now = clock()
      const key = (await fresh(LOOK_MS)).findLast(({ signsFrom, signsUntil }) => signsFrom <= now && now < signsUntil)
      if (!key) throw new Error('no signing key is in its time')
      return { id: key.id, privateKey: key.privateKey }
    },
    async publicKey(id) {
      const find = (among: Key[]) => among.find(key => key.id === id && clock() < key.signsUntil + ACCESS_TOKEN_MS)?.publicKey
      return find(await fresh(LOOK_MS)) ?? find(await fresh(UNKNOWN_LOOK_MS))
    },
    async published() {
      return { keys: (await fresh(LOOK_MS)).map(key => key.jwk) }
    },
  }
}

/** When the next key has to begin; undefined while the newest one lasts. */
function due(rows: readonly SigningKeyRow[], now: number): number | undefined {
  const newest = rows.at(-1)
  if (!newest || newest.signsUntil.getTime() <= now) return now
  return newest.signsUntil.getTime() - PUBLISHED_BEFORE_MS <= now ? newest.signsUntil.getTime() : undefined
}

async function makeKey(signsFrom: number, wrappingKey: Buffer): Promise<SigningKeyRow> {
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true })
  const id = await calculateJwkThumbprint(await exportJWK(publicKey))
  return {
    id,
    privateKey: seal(wrappingKey, id, await exportPKCS8(privateKey)),
    signsFrom: new Date(signsFrom),
    signsUntil: new Date(signsFrom + SIGNS_MS),
  }
}

async function openKey({ id, privateKey, signsFrom, signsUntil }: SigningKeyRow, wrappingKey: Buffer): Promise<Key> {
  const pem = unseal(wrappingKey, id, privateKey)
  if (pem === undefined) throw failure('secret-key-differs')
  const jwk: JWK = { ...createPublicKey(pem).export({ format: 'jwk' }), kid: id, alg: ALGORITHM, use: 'sig' }
  return {
    id,
    publicKey: (await importJWK(jwk, ALGORITHM)) as CryptoKey,
    jwk,
    privateKey: await importPKCS8(pem, ALGORITHM),
    signsFrom: signsFrom.getTime(),
    signsUntil: signsUntil.getTime(),
  }
}
