/**
 * What a template sees in place of what people and tools wrote: letters and digits only, so that no filter (trim, escape, tojson) changes them.
 * Messages are numbered as they come; other texts (of tools, calls and their arguments) are numbered with a T.
 */
export interface Marks {
  message(index: number): string
  /** The value with its texts replaced; `message`: the one that it belongs to, or -1. */
  value(value: unknown, message: number): unknown
  readonly texts: readonly { text: string; message: number }[]
}

/** What a mark reads as where a written text is split. */
export const mark = /Qf7Zx(T?\d+)xZ7fQ/

/** Names: what nobody can make a control token of. Templates decide by some of them, such as the types of parameters. */
const plain = /^[\w-]{0,64}$/

export function createMarks(): Marks {
  const texts: { text: string; message: number }[] = []
  const replace = (text: string, message: number) =>
    plain.test(text) && !mark.test(text) ? text : `Qf7ZxT${texts.push({ text, message }) - 1}xZ7fQ`

  function value(given: unknown, message: number): unknown {
    if (typeof given === 'string') return replace(given, message)
    if (Array.isArray(given)) return given.map(item => value(item, message))
    if (typeof given !== 'object' || given === null) return given
    return Object.fromEntries(Object.entries(given).map(([key, item]) => [replace(key, message), value(item, message)]))
  }
  return { message: index => `Qf7Zx${index}xZ7fQ`, value, texts }
}
