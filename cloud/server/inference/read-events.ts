// Server-sent events as model servers send them: only their data is of meaning.

/** Longer than any chunk of an answer; what has no line end for so long is not one. */
const MAX_LINE = 4_000_000

/** The data of each event, in order, until the body ends. Bytes may be cut anywhere, also within a character. Throws for what is no text. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  let data: string[] = []
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true })
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop()!
    if (rest.length > MAX_LINE) throw new RangeError('a line of the answer has no end')
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n')
        data = []
      } else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
    }
  }
}
