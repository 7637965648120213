import { MAX_TEXT } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'

/** A character takes at most three bytes for each UTF-16 unit. */
const MOST_BYTES = MAX_TEXT * 3

// Control characters that no text file holds; tab, line feed, form feed, carriage return and escape (coloured logs) are fine.
// oxlint-disable-next-line no-control-regex
const BINARY = /[\u0000-\u0008\u000b\u000e-\u001a\u001c-\u001f]/

/**
 * The text of a file: UTF-8, UTF-16 with its mark, or else Windows-1252, which any old text can be read as.
 * Refuses with `file-not-text` what holds characters that no text has, with `file-too-large`, and with `file-unreadable` what can't be read.
 */
export async function readText(file: Blob & { name: string }): Promise<string> {
  const tooLarge = () => failure('file-too-large', { file: file.name })
  if (file.size > MOST_BYTES) throw tooLarge()
  const bytes = await file.arrayBuffer().catch((cause: unknown) => {
    throw failure('file-unreadable', { file: file.name }, { cause })
  })
  const text = decode(new Uint8Array(bytes))
  if (BINARY.test(text)) throw failure('file-not-text', { file: file.name })
  if (text.length > MAX_TEXT) throw tooLarge()
  return text
}

function decode(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}
