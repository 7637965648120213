/** Longer than any chunk of an answer; what has no line end for so long is not one. */
const MAX_LINE = 4_000_000

export interface SentEvent {
  /** '' where the event had none. */
  id: string
  data: string
}

/**
 * Server-sent events, whole and in order, until the body ends. Bytes may be cut anywhere, also within a character. Throws `TypeError` for what is
 * no text, `RangeError` for a line without an end.
 */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<SentEvent, void, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  let event: { id: string; data: string[] } = { id: '', data: [] }
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true })
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop()!
    if (rest.length > MAX_LINE) throw new RangeError('an event has no end')
    for (const line of lines) {
      if (line === '') {
        if (event.data.length > 0) yield { id: event.id, data: event.data.join('\n') }
        event = { id: '', data: [] }
      } else if (line.startsWith('id:')) event.id = line.slice(line[3] === ' ' ? 4 : 3)
      else if (line.startsWith('data:')) event.data.push(line.slice(line[5] === ' ' ? 6 : 5))
    }
  }
}
