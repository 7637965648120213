import { expect, test } from 'vitest'
import { isTooLargeToDraw, readImage } from './image-facts.ts'

/** Made by libpng, libjpeg, libwebp and libavif: 5 by 3 pixels each. */
const samples = {
  png: 'iVBORw0KGgoAAAANSUhEUgAAAAUAAAADCAIAAADUVFKvAAAAFElEQVR4nGM8YaPBgASYGFABOh8AN0gBMlDdnAwAAAAASUVORK5CYII=',
  jpeg: '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAKBueIx4ZKCMgoy0qqC+8P//8Nzc8P//////////////////////////////////////////////////////////wAALCAADAAUBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAv/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AL//Z',
  gif: 'R0lGODdhBQADAIEAAMg8KAAAAAAAAAAAACwAAAAABQADAAAICAABCBxIsGBAADs=',
  webp: 'UklGRjQAAABXRUJQVlA4ICgAAACQAQCdASoFAAMABABoJaACdLoAA5gA/uHDfDaqytv/ggtqPTDiAAAA',
  losslessWebp: 'UklGRh4AAABXRUJQVlA4TBEAAAAvBIAAAAdQniIXpf+BiOh/AAA=',
  webpWithAlpha:
    'UklGRlQAAABXRUJQVlA4WAoAAAAQAAAABAAAAgAAQUxQSAoAAAABB1DAiAhERP8DVlA4ICQAAABwAQCdASoFAAMABABoJaACdAFAAAD+6zb3uWisC6182bsEAAA=',
  avif: 'AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAAAAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAAIwAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEAAGF2MDFDb2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAABQAAAAMAAAAQcGl4aQAAAAADCAgIAAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAEADQAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAAAK21kYXQSAAoIGAhk0QENBoQyFR2Hh4Wd3HHHAsAAAJA1jjwuU4lZZQ==',
}
const bytesOf = (sample: keyof typeof samples) => Uint8Array.from(Buffer.from(samples[sample], 'base64'))
const text = (words: string) => Uint8Array.from(Buffer.from(words))
/** A copy in which these bytes stand at this place. */
const changed = (bytes: Uint8Array, at: number, ...put: number[]) => {
  const copy = Uint8Array.from(bytes)
  copy.set(put, at)
  return copy
}

test.for([
  ['png', 'image/png'],
  ['jpeg', 'image/jpeg'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
  ['losslessWebp', 'image/webp'],
  ['webpWithAlpha', 'image/webp'],
  ['avif', 'image/avif'],
] as const)('%s tells its kind and its sides', ([sample, mediaType]) => {
  expect(readImage(bytesOf(sample))).toEqual({ mediaType, width: 5, height: 3 })
})

test('bytes that lie somewhere inside a larger buffer are read from where they begin', () => {
  const buffer = new Uint8Array(500)
  buffer.set(bytesOf('webp'), 100)
  expect(readImage(buffer.subarray(100))).toMatchObject({ width: 5, height: 3 })
})

test.for(Object.keys(samples) as (keyof typeof samples)[])('a %s cut off anywhere never throws, and tells the truth or nothing', sample => {
  const whole = bytesOf(sample)
  for (let length = 0; length < whole.length; length++) {
    const facts = readImage(whole.subarray(0, length))
    if (facts !== undefined) expect(facts).toMatchObject({ width: 5, height: 3 })
  }
})

test('any byte of an image may be another: nothing throws or runs on', () => {
  for (const sample of Object.keys(samples) as (keyof typeof samples)[]) {
    const whole = bytesOf(sample)
    for (let at = 0; at < whole.length; at++) for (const byte of [0, 1, 0x7f, 0xff]) readImage(changed(whole, at, byte))
  }
})

test('what is no image of these kinds has no facts', () => {
  for (const words of ['', '<html><body>no</body></html>', 'BM6\0\0\0', '%PDF-1.7', 'II*\0', 'GIF90a', 'hello', '\0'.repeat(100)]) {
    expect([words, readImage(text(words))]).toEqual([words, undefined])
  }
})

test('an SVG is known, also behind a prologue, and a page that holds one is no image', () => {
  for (const words of [
    '<svg xmlns="http://www.w3.org/2000/svg"/>',
    '\ufeff<?xml version="1.0"?>\n<!-- a -->\n<SVG onload="x">',
    '  <svg\n>    ',
  ]) {
    expect([words, readImage(text(words))]).toEqual([words, 'svg'])
  }
  for (const words of ['<!doctype html><svg width="1">', '<html><body><svg ></svg></body></html>', 'text with <svg > in it']) {
    expect([words, readImage(text(words))]).toEqual([words, undefined])
  }
})

test('an image without an extent is none', () => {
  expect(readImage(changed(bytesOf('png'), 16, 0, 0, 0, 0))).toBeUndefined()
})

test('a frame of a GIF that is larger than its screen counts', () => {
  const gif = bytesOf('gif')
  const frame = gif.indexOf(0x2c)
  expect(readImage(changed(gif, frame + 5, 0xff, 0xff, 0xff, 0xff))).toMatchObject({ width: 65_535, height: 65_535 })
})

test('a picture of a telephone may be drawn; a small file that would unfold to gigabytes may not', () => {
  const side = (pixels: number) => [pixels >>> 24, (pixels >>> 16) & 255, (pixels >>> 8) & 255, pixels & 255]
  const png = (width: number, height: number) => {
    const facts = readImage(changed(bytesOf('png'), 16, ...side(width), ...side(height)))
    if (typeof facts !== 'object') throw new Error('no facts')
    return isTooLargeToDraw(facts)
  }
  expect(png(8064, 6048)).toBe(false)
  expect([png(50_000, 50_000), png(40_000, 1), png(1, 40_000), png(0xffffffff, 0xffffffff), png(10_000, 5_001)]).toEqual(
    Array.from({ length: 5 }, () => true),
  )
})
