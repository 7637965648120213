import { Type } from 'typebox'

/** UUIDv7, lower case: made by the author's device, sorted by time of making. */
export const Id = Type.String({ pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' })

/** SHA-256 in lower-case hex: the name of a file by its content. */
export const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' })

let lastMs = 0
let sequence = 0

/** A new UUIDv7 (RFC 9562). Ids made by one process in the same millisecond, or after its clock stepped back, still ascend. */
export function newId(nowMs: number = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
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
  const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
