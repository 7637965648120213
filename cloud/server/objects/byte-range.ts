import type { ByteRange } from './objects.ts'

/**
 * What a Range header asks for of so many bytes (RFC 9110, 14): one part. undefined where it asks for none, for several, or in another unit,
 * which is then answered with the whole; `unsatisfiable` where it begins behind the end.
 */
export function readRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? []
  if (first === '' && last === '') return undefined
  if (first === '') return Number(last) === 0 || size === 0 ? 'unsatisfiable' : { from: Math.max(0, size - Number(last)), to: size - 1 }
  if (last !== '' && Number(last) < Number(first)) return undefined
  if (Number(first) >= size) return 'unsatisfiable'
  return { from: Number(first), to: Math.min(last === '' ? Infinity : Number(last), size - 1) }
}
