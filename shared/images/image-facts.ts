import { Type, type Static } from 'typebox'

/** The kinds of images that are shown: those that every browser draws and that can hold no program. */
export const MediaType = Type.Union([
  Type.Literal('image/png'),
  Type.Literal('image/jpeg'),
  Type.Literal('image/gif'),
  Type.Literal('image/webp'),
  Type.Literal('image/avif'),
])

/** What an image's own first bytes say of it; its sides in pixels. */
export const ImageFacts = Type.Object({ mediaType: MediaType, width: Type.Integer({ minimum: 1 }), height: Type.Integer({ minimum: 1 }) })
export type ImageFacts = Static<typeof ImageFacts>

/** Drawn, a pixel takes four bytes: 200 MB. The cameras of telephones make up to 50 million. */
const MOST_PIXELS = 50_000_000
/** What graphics hardware takes is 16,384 or 32,768; a longer strip is no picture anyway. */
const LONGEST_SIDE = 32_767

/** A small file can be a huge picture: its sides tell before anything is decoded. */
export function isTooLargeToDraw({ width, height }: ImageFacts): boolean {
  return width > LONGEST_SIDE || height > LONGEST_SIDE || width * height > MOST_PIXELS
}

/**
 * Reads the kind and the sides of an image from its bytes, whatever its name or its sender call it; `svg` for an SVG, undefined for what is
 * no image of these kinds or does not tell its sides. Nothing is decoded, and the time taken is bounded by the length.
 */
export function readImage(bytes: Uint8Array): ImageFacts | 'svg' | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    const facts = readPng(view) ?? readJpeg(view) ?? readGif(view) ?? readWebp(view) ?? readAvif(view)
    if (facts) return facts.width > 0 && facts.height > 0 ? facts : undefined
  } catch (error) {
    // It ended before it had told its sides.
    if (error instanceof RangeError) return undefined
    throw error
  }
  return isSvg(bytes) ? 'svg' : undefined
}

const latin = (view: DataView, at: number, length: number): string => {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, Math.max(0, Math.min(length, view.byteLength - at)))
  return String.fromCharCode(...bytes)
}

function readPng(view: DataView): ImageFacts | undefined {
  if (latin(view, 0, 8) !== '\x89PNG\r\n\x1a\n' || latin(view, 12, 4) !== 'IHDR') return undefined
  return { mediaType: 'image/png', width: view.getUint32(16), height: view.getUint32(20) }
}

function readJpeg(view: DataView): ImageFacts | undefined {
  if (latin(view, 0, 3) !== '\xff\xd8\xff') return undefined
  for (let at = 2; ;) {
    if (view.getUint8(at) !== 0xff) return undefined
    const marker = view.getUint8(at + 1)
    // A frame's header; C4, C8 and CC in that range are others.
    const frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (frame) return { mediaType: 'image/jpeg', width: view.getUint16(at + 7), height: view.getUint16(at + 5) }
    // The picture begins, or ends, without having told its sides.
    if (marker === 0xda || marker === 0xd9) return undefined
    const standsAlone = marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)
    // 0xff before a marker only fills.
    at += marker === 0xff ? 1 : standsAlone ? 2 : 2 + view.getUint16(at + 2)
  }
}

function readGif(view: DataView): ImageFacts | undefined {
  if (!['GIF87a', 'GIF89a'].includes(latin(view, 0, 6))) return undefined
  let width = view.getUint16(6, true)
  let height = view.getUint16(8, true)
  // The first frame may be larger than the screen the file speaks of; browsers then take its sides.
  for (let at = 13 + colours(view.getUint8(10)); ;) {
    const block = view.getUint8(at)
    if (block === 0x2c) {
      width = Math.max(width, view.getUint16(at + 1, true) + view.getUint16(at + 5, true))
      height = Math.max(height, view.getUint16(at + 3, true) + view.getUint16(at + 7, true))
      return { mediaType: 'image/gif', width, height }
    }
    if (block !== 0x21) return undefined
    at += 2
    for (let length = view.getUint8(at); length > 0; length = view.getUint8(at)) at += 1 + length
    at += 1
  }
}

/** Bytes of the table of colours that these flags announce. */
const colours = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0)

function readWebp(view: DataView): ImageFacts | undefined {
  if (latin(view, 0, 4) !== 'RIFF' || latin(view, 8, 4) !== 'WEBP') return undefined
  const facts = (width: number, height: number): ImageFacts => ({ mediaType: 'image/webp', width, height })
  const uint24 = (at: number) => view.getUint16(at, true) + view.getUint8(at + 2) * 0x10000
  switch (latin(view, 12, 4)) {
    case 'VP8X':
      return facts(uint24(24) + 1, uint24(27) + 1)
    case 'VP8L': {
      const sides = view.getUint32(21, true)
      return facts((sides & 0x3fff) + 1, ((sides >> 14) & 0x3fff) + 1)
    }
    case 'VP8 ':
      return latin(view, 23, 3) === '\x9d\x01\x2a' ? facts(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff) : undefined
    default:
      return undefined
  }
}

/** The largest sides that any part of it announces (a grid has parts). */
function readAvif(view: DataView): ImageFacts | undefined {
  if (latin(view, 4, 4) !== 'ftyp') return undefined
  const brands: readonly string[] = latin(view, 8, Math.min(view.getUint32(0) - 8, 200)).match(/.{4}/gs) ?? []
  if (!brands.includes('avif') && !brands.includes('avis')) return undefined
  const meta = box(view, 'meta', 0, view.byteLength)
  const properties = meta && box(view, 'iprp', meta.from + 4, meta.end)
  const container = properties && box(view, 'ipco', properties.from, properties.end)
  if (!container) return undefined
  let facts: ImageFacts | undefined
  for (let at = container.from; at < container.end;) {
    const side = box(view, 'ispe', at, container.end)
    if (!side) break
    const width = Math.max(view.getUint32(side.from + 4), facts?.width ?? 0)
    const height = Math.max(view.getUint32(side.from + 8), facts?.height ?? 0)
    facts = { mediaType: 'image/avif', width, height }
    at = side.end
  }
  return facts
}

/** The content of the first box of this name between two places. */
function box(view: DataView, name: string, from: number, end: number): { from: number; end: number } | undefined {
  for (let at = from; at + 8 <= end;) {
    const size = view.getUint32(at)
    // 0 and 1 (to the end, and a size of 64 bits) are written for what is much larger.
    if (size < 8) return undefined
    if (latin(view, at + 4, 4) === name) return { from: at + 8, end: Math.min(at + size, end) }
    at += size
  }
  return undefined
}

/** Text that begins as XML and has its root early on. */
function isSvg(bytes: Uint8Array): boolean {
  const start = String.fromCharCode(...bytes.subarray(0, 2000)).replace(/^\xef\xbb\xbf/, '')
  return start.trimStart().startsWith('<') && /<svg[\s>]/i.test(start) && !/<html[\s>]|<!doctype html/i.test(start)
}
