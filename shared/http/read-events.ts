/** Longer than any chunk of an answer: what has no end for so long, as a line or as an event of many lines, is not one. */
const MAX_LINE = 4_000_000

export interface SentEvent {
  /** '' where the event had none. */
  id: string
  data: string
}

/**
 * Reads server-sent events out of pieces of bytes, which may be cut anywhere, also within a character: `read` returns those that are whole with this
 * piece. It throws `TypeError` for what is no text, `RangeError` for a line or an event without an end.
 */
export function createEventReader() {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  let id = ''
  let data: string | undefined

  function readLine(line: string, events: SentEvent[]): void {
    if (line === '') {
      if (data !== undefined) events.push({ id, data })
      id = ''
      data = undefined
    } else if (line.startsWith('data:')) {
      const said = line.slice(line.charCodeAt(5) === SPACE ? 6 : 5)
      data = data === undefined ? said : `${data}\n${said}`
      if (data.length > MAX_LINE) throw new RangeError('an event has no end')
    } else if (line.startsWith('id:')) id = line.slice(line.charCodeAt(3) === SPACE ? 4 : 3)
  }

  return {
    read(bytes: Uint8Array): SentEvent[] {
      const decoded = decoder.decode(bytes, { stream: true })
      const text = rest === '' ? decoded : rest + decoded
      const events: SentEvent[] = []
      let from = 0
      // Lines end with LF, CR LF or CR. Nearly all servers send LF alone, and a search for one character is far cheaper than for a pattern.
      if (text.includes('\r')) {
        const lines = text.split(/\r\n|\n|\r(?!$)/)
        rest = lines.pop()!
        for (const line of lines) readLine(line, events)
      } else {
        for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
          readLine(text.slice(from, end), events)
          from = end + 1
        }
        rest = text.slice(from)
      }
      if (rest.length > MAX_LINE) throw new RangeError('an event has no end')
      return events
    },
  }
}

const SPACE = 0x20

/** Server-sent events, whole and in order, until the body ends. Throws as the reader does. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<SentEvent, void, void> {
  const reader = createEventReader()
  for await (const bytes of body) yield* reader.read(bytes)
}
