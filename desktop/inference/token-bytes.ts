import type { NativeModel } from './native.ts'

/** How a vocabulary writes bytes: as letters that stand for them (GPT-2's), with a mark for blanks (SentencePiece's), or another way. */
export type VocabularyKind = 'bytes' | 'marks' | 'other'

const attributes = { unknown: 1, unused: 2, control: 8, userDefined: 16, byte: 32 }

/** GPT-2 writes bytes that are no visible letters as letters from U+0100 on, in their order. */
const byteOfLetter = new Map<string, number>()
for (let byte = 0, next = 0x100; byte < 256; byte++) {
  const visible = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad)
  byteOfLetter.set(String.fromCharCode(visible ? byte : next++), byte)
}

/** The bytes that a token stands for; undefined for one that is no text (a control token), or whose bytes nobody knows. */
export function tokenBytes(model: NativeModel, kind: VocabularyKind, token: number): Buffer | undefined {
  const attribute = model.getTokenAttributes(token)
  if (attribute & (attributes.unknown | attributes.unused | attributes.control)) return undefined
  const written = model.getTokenString(token)
  if (attribute & attributes.byte) return Buffer.of(parseInt(written.slice(3, 5), 16))
  if (attribute & attributes.userDefined) return kind === 'other' ? asText(model, token) : Buffer.from(written)
  if (kind === 'marks') return Buffer.from(written.replaceAll('\u2581', ' '))
  if (kind === 'other') return asText(model, token)
  const bytes = Array.from(written, letter => byteOfLetter.get(letter))
  return bytes.includes(undefined) ? undefined : Buffer.from(bytes as number[])
}

/** Half a character cannot be read back from a text. */
function asText(model: NativeModel, token: number): Buffer | undefined {
  const text = model.detokenize(Uint32Array.of(token), false)
  return text === '' || text.includes('\uFFFD') ? undefined : Buffer.from(text)
}
