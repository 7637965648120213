export interface AnswerPiece {
  part: 'text' | 'reasoning'
  text: string
}

/** How models mark what they think before they answer: opening and closing. */
export const reasoningMarks: readonly (readonly [open: string, close: string])[] = [
  ['<think>', '</think>'],
  ['<thinking>', '</thinking>'],
  ['[THINK]', '[/THINK]'],
  ['<seed:think>', '</seed:think>'],
  ['<|START_THINKING|>', '<|END_THINKING|>'],
  // gpt-oss and its kin: a channel for thought, and one for the answer.
  ['<|channel|>analysis<|message|>', '<|start|>assistant<|channel|>final<|message|>'],
  ['<|channel|>final<|message|>', ''],
]

export interface AnswerReader {
  push(text: string): AnswerPiece[]
  /** The one of `stopTexts` that was met: nothing from it on is read. */
  readonly stopText: string | undefined
  /** It reads reasoning now, which the prompt or the answer opened. */
  readonly reasons: boolean
  /** UTF-16 units of what was pushed that are not yet, or never, told. */
  readonly held: number
  end(): AnswerPiece[]
}

/** How much of the end of `text` could be the beginning of `mark`. */
function overlap(text: string, mark: string): number {
  for (let length = Math.min(text.length, mark.length - 1); length > 0; length--) {
    if (mark.startsWith(text.slice(text.length - length))) return length
  }
  return 0
}

/**
 * Tells a model's reasoning from its answer. Reasoning opens at the very beginning only, so that an answer can speak of `<think>`; `prefix`
 * is the end of the prompt, where many templates open it already. `stopTexts` end the answer. `controls` are control tokens that come as text
 * because marks are made of them; outside of marks they are dropped. `plain`: all of it is text, as of a prompt without turns.
 */
export function createAnswerReader({
  prefix = '',
  stopTexts = [],
  controls = [],
  plain = false,
}: { prefix?: string; stopTexts?: readonly string[]; controls?: readonly string[]; plain?: boolean } = {}): AnswerReader {
  let state: 'beginning' | 'reasoning' | 'text' = plain ? 'text' : 'beginning'
  let close = ''
  let held = ''
  let stopText: string | undefined
  let blank = !plain
  const opened = plain ? undefined : reasoningMarks.find(([open]) => prefix.trimEnd().endsWith(open))
  if (opened) {
    state = 'reasoning'
    close = opened[1]
  }

  const piece = (part: AnswerPiece['part'], text: string): AnswerPiece[] => {
    // The blank lines that stand between a mark and the words belong to neither.
    let shown = blank ? text.trimStart() : text
    for (const control of controls) shown = shown.replaceAll(control, '')
    if (shown === '') return []
    blank = false
    return [{ part, text: shown }]
  }

  function take(length: number): string {
    const taken = held.slice(0, length)
    held = held.slice(length)
    return taken
  }

  function read(final: boolean): AnswerPiece[] {
    if (state === 'beginning') {
      const start = held.trimStart()
      const open = reasoningMarks.find(([mark]) => start.startsWith(mark))
      if (!open && !final && (start === '' || reasoningMarks.some(([mark]) => mark.startsWith(start)))) return []
      state = open ? 'reasoning' : 'text'
      // Without reasoning, white space is the answer's own.
      blank = Boolean(open)
      if (open) {
        close = open[1]
        held = start.slice(open[0].length)
      }
    }
    if (state === 'reasoning') {
      const at = held.indexOf(close)
      if (at < 0) {
        // White space before the closing mark is held with it, and trimmed when it closes.
        const mark = overlap(held, close)
        const white = /\s*$/.exec(held.slice(0, held.length - mark))?.[0].length ?? 0
        return piece('reasoning', take(final ? held.length : held.length - mark - white))
      }
      const thought = piece('reasoning', take(at).trimEnd())
      take(close.length)
      state = 'text'
      blank = true
      return [...thought, ...read(final)]
    }
    const met = stopTexts.map(text => ({ text, at: held.indexOf(text) })).filter(({ at }) => at >= 0)
    const first = met.toSorted((a, b) => a.at - b.at)[0]
    if (!first) return piece('text', take(held.length - (final ? 0 : Math.max(0, ...stopTexts.map(text => overlap(held, text))))))
    stopText = first.text
    return piece('text', take(first.at))
  }

  return {
    push(text) {
      if (stopText !== undefined) return []
      held += text
      return read(false)
    },
    get stopText() {
      return stopText
    },
    get reasons() {
      return state === 'reasoning'
    },
    get held() {
      return held.length
    },
    end: () => (stopText === undefined ? read(true) : []),
  }
}
