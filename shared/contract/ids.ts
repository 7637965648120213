import { Type } from 'typebox'

/** UUIDv7, lower case: made by the author's device, sorted by time of making. */
export const Id = Type.String({ pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' })

/** SHA-256 in lower-case hex: the name of a file by its content. */
export const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' })

/** Random bytes are fetched for many ids at once: each fetching costs more than all else of an id. */
const random = new Uint8Array(16 * 64)
let used = random.length
const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

let lastMs = 0
let sequence = 0

/** A new UUIDv7 (RFC 9562). Ids made by one process in the same millisecond, or after its clock stepped back, still ascend. */
export function newId(nowMs: number = Date.now()): string {
  if (used === random.length) {
    crypto.getRandomValues(random)
    used = 0
  }
  const bytes = random.subarray(used, (used += 16))
  if (nowMs > lastMs) {
    lastMs = nowMs
    // 11 random bits leave room for 2,048 further ids in this millisecond before the counter's 12 bits are full.
    sequence = ((bytes[6]! << 8) | bytes[7]!) & 0x7ff
  } else if (++sequence > 0xfff) {
    lastMs++
    sequence = 0
  }
  let rest = lastMs
  for (let index = 5; index >= 0; index--) {
    bytes[index] = rest % 256
    rest = Math.floor(rest / 256)
  }
  bytes[6] = 0x70 | (sequence >> 8)
  bytes[7] = sequence & 0xff
  bytes[8] = 0x80 | (bytes[8]! & 0x3f)
  let id = ''
  for (let index = 0; index < 16; index++)
    id += (index === 4 || index === 6 || index === 8 || index === 10 ? '-' : '') + hexOf[bytes[index]!]!
  return id
}
