import type { NativeModel } from './native.ts'

export interface TokenText {
  /** Text that is whole with this token; empty while a character is still split between tokens. */
  push(token: number): string
  /** Whether a part of a character is held back. */
  readonly split: boolean
  /** What is still held back; a character that never became whole is left out. */
  end(): string
}

/** A character of UTF-8 has at most four bytes, so four tokens settle any split; what is still broken then is broken for good. */
const MOST_HELD = 4

/**
 * Turns tokens into text as they come, in whole characters. `before` are the tokens the text goes on from: tokenizers with word marks
 * write a space only where something stands before it. Tokens in `visible` are control tokens that are to be read as text.
 */
export function createTokenText(model: NativeModel, before: readonly number[], visible: ReadonlyMap<number, string>): TokenText {
  let context = before.slice(-1)
  let contextText = model.detokenize(Uint32Array.from(context), false)
  let held: number[] = []

  const heldText = () => {
    const text = model.detokenize(Uint32Array.from([...context, ...held]), false)
    return text.startsWith(contextText) ? text.slice(contextText.length) : model.detokenize(Uint32Array.from(held), false)
  }
  function release(text: string): string {
    context = held.slice(-1)
    contextText = model.detokenize(Uint32Array.from(context), false)
    held = []
    return text
  }

  return {
    push(token) {
      const mark = visible.get(token)
      if (mark !== undefined) {
        const rest = this.end()
        context = []
        contextText = ''
        return rest + mark
      }
      held.push(token)
      const text = heldText()
      // Bytes that are not yet a character read as U+FFFD.
      return text.endsWith('\uFFFD') && held.length < MOST_HELD ? '' : release(text)
    },
    get split() {
      return held.length > 0
    },
    end() {
      if (held.length === 0) return ''
      return release(heldText().replace(/\uFFFD+$/, ''))
    },
  }
}
