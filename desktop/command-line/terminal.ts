// All that the command line writes. What comes from outside is made harmless here, so that no command can forget it.
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Failure } from '@fusion/shared/rpc/failure.ts'
import { harmless, harmlessLine } from './harmless.ts'

/** A part of a line; only our own words are styled. */
export interface Styled {
  text: string
  style: 'dim' | 'bold'
}
export type Words = string | Styled

export const dim = (text: string): Styled => ({ text, style: 'dim' })
export const bold = (text: string): Styled => ({ text, style: 'bold' })

export interface Terminal {
  /** A person reads the output. */
  readonly shows: boolean
  /** A person types the input. */
  readonly asks: boolean
  /** Aborts when nothing can be printed any more. */
  readonly closed: AbortSignal
  /** Why, unless whoever read the output just went away, as `| head` does. */
  lost(): Failure | undefined
  /** To the output, as it comes. Resolves when it is on its way. */
  write(text: string): Promise<void>
  /** A line of the output. */
  print(...words: Words[]): Promise<void>
  /** A line beside the output. */
  say(...words: Words[]): void
  /** What is being done now, in a line that the next one takes the place of; undefined takes it away. Only for a person who watches. */
  progress(text: string | undefined): void
}

const CODES = { dim: '2', bold: '1' } as const
const CLEAR_LINE = '\r\x1b[K'
/** What is over sooner needs no line, and a line that changes more often can't be read. */
const PROGRESS_MS = 150

/** What is no terminal has no `isTTY`, whatever the types of Node say. */
type Output = NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
interface Streams {
  input: { isTTY?: boolean }
  output: Output
  errors: Output
}

export function createTerminal({ input, output, errors }: Streams, plain: boolean): Terminal {
  const closed = new AbortController()
  let lost: Failure | undefined
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOSPC') lost ??= failure('disk-full')
    else if (error.code !== 'EPIPE') lost ??= failure('output-unwritable', { file: 'Standard output' })
    closed.abort()
  })
  errors.on('error', () => {})
  let shown = false
  let changedAt: number | undefined

  const put = (text: string) =>
    new Promise<void>(resolve => {
      if (closed.signal.aborted) return resolve()
      output.write(text, () => resolve())
    })
  const line = (stream: Output, words: Words[]) => `${words.map(word => styled(stream, word)).join('')}\n`
  const styled = (stream: Output, word: Words) => {
    if (typeof word === 'string') return harmless(word)
    const text = harmless(word.text)
    return stream.isTTY && !plain ? `\x1b[${CODES[word.style]}m${text}\x1b[0m` : text
  }

  function clear(): void {
    if (shown) errors.write(CLEAR_LINE)
    shown = false
    changedAt = undefined
  }

  return {
    shows: Boolean(output.isTTY),
    asks: Boolean(input.isTTY),
    closed: closed.signal,
    lost: () => lost,
    write(text) {
      clear()
      return put(harmless(text))
    },
    print(...words) {
      clear()
      return put(line(output, words))
    },
    say(...words) {
      clear()
      errors.write(line(errors, words))
    },
    progress(text) {
      if (!errors.isTTY || plain) return
      if (text === undefined) return clear()
      const now = performance.now()
      changedAt ??= now
      if (now - changedAt < PROGRESS_MS) return
      changedAt = now
      shown = true
      // Longer than the line, it would wrap and not be cleared.
      errors.write(`${CLEAR_LINE}\x1b[2m${harmlessLine(text).slice(0, (errors.columns || 80) - 1)}\x1b[0m`)
    },
  }
}
