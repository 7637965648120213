/**
 * A text that may go to a terminal, whoever wrote it: an answer, the name of a model. A terminal obeys escape sequences (move, colour, title,
 * clipboard), so every control character but tab and line feed is shown as its picture (ESC as ␛), and those that reorder what is read
 * (bidirectional overrides) as �. A carriage return would let a line be written over: it is left out.
 */
export function harmless(text: string): string {
  return text
    .replaceAll('\r', '')
    .replace(/[\0-\x08\x0b-\x1f]/g, character => String.fromCharCode(0x2400 + character.charCodeAt(0)))
    .replaceAll('\x7f', '␡')
    .replace(/[\x80-\x9f\u202a-\u202e\u2066-\u2069]/g, '�')
}

/** The same for what has to stay one line. */
export const harmlessLine = (text: string): string => harmless(text.replace(/\s+/g, ' '))

/** JSON in one line; the characters above are written as escapes, so that no program and no terminal gets another text. */
export function json(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
