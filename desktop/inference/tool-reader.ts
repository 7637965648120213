import { createCallReader, type CallReader } from './call-reader.ts'

export type ToolPiece =
  | { type: 'text'; text: string }
  | { type: 'call-started'; index: number; name: string }
  | { type: 'call-delta'; index: number; arguments: string }

/** Reads the calls of tools out of an answer as it comes. */
export interface ToolReader {
  push(text: string): ToolPiece[]
  end(): ToolPiece[]
  /** Calls that were begun, and whether one is being written now. */
  readonly calls: number
  readonly calling: boolean
  /** UTF-16 units of what was pushed and is not yet told. */
  readonly held: number
}

/** How families of models open a call, and how they close it. */
const hermes = { open: '<tool_call>', close: '</tool_call>' }
const mistral = '[TOOL_CALLS]'
const llama = '<|python_tag|>'
const opens = [hermes.open, mistral, llama]

/** Marks that can be control tokens, and have to be seen as text where tools are offered. */
export const toolMarks = [...opens, hermes.close, '[ARGS]', '[CALL_ID]']

function overlap(text: string, mark: string): number {
  for (let length = Math.min(text.length, mark.length - 1); length > 0; length--) {
    if (mark.startsWith(text.slice(text.length - length))) return length
  }
  return 0
}

/**
 * `names` are the tools that are offered. Llama 3 writes a call as bare JSON, which is one only where it names one of them; marked calls are
 * calls whatever they name. What turns out to be no call is told as text.
 */
export function createToolReader(names: readonly string[]): ToolReader {
  const known = new Set(names)
  let held = ''
  let calls = 0
  let call: CallReader | undefined
  /** At the beginning of the answer, or after a bare call: the only places where another may begin. */
  let mayBeBare = true
  let listed = false
  let opened = ''
  /** Nothing but blanks came since the last call. */
  let afterCall = false

  function read(final: boolean): ToolPiece[] {
    const pieces: ToolPiece[] = []
    const say = (text: string) => {
      // Blanks between calls are nobody's words.
      if (afterCall && text.trim() === '') return
      if (text.trim() !== '') {
        mayBeBare = false
        afterCall = false
      }
      if (text !== '') pieces.push({ type: 'text', text })
    }
    for (;;) {
      if (call) {
        const read: ReturnType<CallReader['push']> = call.push(held, final)
        held = ''
        for (const piece of read.pieces) {
          if (piece.name !== undefined) pieces.push({ type: 'call-started', index: calls++, name: piece.name })
          if (piece.arguments !== undefined) pieces.push({ type: 'call-delta', index: calls - 1, arguments: piece.arguments })
        }
        if (!read.done) return pieces
        call = undefined
        afterCall = read.refused === undefined
        if (read.refused === undefined) {
          held = read.rest
          continue
        }
        // What opened it is text, and the rest may still hold a call.
        mayBeBare = false
        listed = false
        const lead = opened === '' ? 1 : 0
        say(opened + read.refused.slice(0, lead))
        held = read.refused.slice(lead) + read.rest
        continue
      }
      // Between the calls of a list, and where a mark closes one.
      const between = /^\s*(?:<\/tool_call>|,|;|\])\s*/.exec(held)
      if (afterCall && between) {
        if (between[0].includes(']')) listed = false
        held = held.slice(between[0].length)
        continue
      }
      const trimmed = held.trimStart()
      if (listed && trimmed !== '' && !trimmed.startsWith('{')) {
        listed = false
        if (!afterCall) say('[')
        continue
      }
      if (listed && trimmed.startsWith('{')) {
        opened = ''
        call = createCallReader({ close: undefined })
        continue
      }
      if (mayBeBare && trimmed.startsWith('{')) {
        opened = ''
        call = createCallReader({ close: undefined, known })
        continue
      }
      const found = opens.map(open => ({ open, at: held.indexOf(open) })).filter(({ at }) => at >= 0)
      const first = found.toSorted((a, b) => a.at - b.at)[0]
      if (first) {
        say(held.slice(0, first.at).trimEnd())
        const after = held.slice(first.at + first.open.length)
        // A list of calls, or a name: the next character tells.
        if (first.open === mistral && after.trim() === '' && !final) {
          held = first.open + after
          return pieces
        }
        held = after
        opened = first.open
        listed = first.open === mistral && held.trimStart().startsWith('[')
        if (listed) {
          held = held.trimStart().slice(1)
          continue
        }
        call = createCallReader({
          close: first.open === hermes.open ? hermes.close : undefined,
          named: first.open === mistral && !held.trimStart().startsWith('{'),
        })
        continue
      }
      const blank = /\s*$/.exec(held)![0].length
      const mark = Math.max(...[...opens, hermes.close].map(open => overlap(held, open)))
      // Blanks before a call belong to it.
      const keep = final ? 0 : mayBeBare && trimmed === '' ? held.length : Math.max(mark, blank) + (mark > 0 ? blankBefore(held, mark) : 0)
      say(held.slice(0, held.length - keep))
      held = held.slice(held.length - keep)
      return pieces
    }
  }

  return {
    push(text) {
      held += text
      return read(false)
    },
    end: () => read(true),
    get calls() {
      return calls
    },
    get calling() {
      return call !== undefined
    },
    get held() {
      return held.length + (call?.held ?? 0)
    },
  }
}

const blankBefore = (text: string, end: number) => /\s*$/.exec(text.slice(0, text.length - end))![0].length
