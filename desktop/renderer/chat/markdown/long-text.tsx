import { useMemo, useState } from 'react'

/** Text is laid out in pieces, of which only those in sight cost time. */
const PIECE = 8_000
/** Shown at once, in UTF-16 units; the rest comes at a press. */
const FIRST = 60_000
const STEP = 1_000_000

/** Plain text of any length, its lines and spaces as they are. */
export function LongText({ text, className = '' }: { text: string; className?: string }) {
  const [limit, setLimit] = useState(FIRST)
  const shown = text.length > limit * 1.2 ? text.slice(0, safeCut(text, limit)) : text
  const pieces = useMemo(() => cut(shown), [shown])
  return (
    <span className={`long-text ${className}`}>
      {pieces.map((piece, index) => (
        <span key={index} className={pieces.length > 1 ? 'piece' : undefined}>
          {piece}
        </span>
      ))}
      {shown.length < text.length && (
        <button type="button" className="quiet" onClick={() => setLimit(limit + STEP)}>
          Show more ({Math.ceil((text.length - shown.length) / 1000).toLocaleString('en')}k characters)
        </button>
      )}
    </span>
  )
}

/** Pieces of about `PIECE` characters, cut after line breaks where there are any: a block breaks its line anyway. */
function cut(text: string): string[] {
  const pieces: string[] = []
  for (let from = 0; from < text.length;) {
    if (text.length - from <= PIECE * 1.5) {
      pieces.push(text.slice(from))
      break
    }
    const newline = text.lastIndexOf('\n', from + PIECE)
    const to = newline > from ? newline : safeCut(text, from + PIECE)
    pieces.push(text.slice(from, to))
    from = newline > from ? to + 1 : to
  }
  return pieces
}

/** Not between the two halves of a character outside the basic plane. */
function safeCut(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff ? at - 1 : at
}
