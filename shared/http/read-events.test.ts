import { expect, test } from 'vitest'
import { readEvents } from './read-events.ts'

async function* pieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const all = async (body: AsyncIterable<Uint8Array>) => {
  const events: string[] = []
  for await (const { data } of readEvents(body)) events.push(data)
  return events
}

const stream = 'data: {"a":"Ä😀"}\n\n: ping\n\nevent: x\ndata:two\ndata: lines\n\nid: 1\r\ndata: crlf\r\n\r\ndata: [DONE]\n\n'

test.for([1, 2, 3, 7, 1000])('events come whole, however their bytes are cut (%i at once)', async size => {
  expect(await all(pieces(stream, size))).toEqual(['{"a":"Ä😀"}', 'two\nlines', 'crlf', '[DONE]'])
})

test('an event that was cut off is not told', async () => {
  expect(await all(pieces('data: one\n\ndata: tw', 4))).toEqual(['one'])
})

test('bytes that are no text, and a line without an end, are refused', async () => {
  const noText = async function* () {
    yield new Uint8Array([0x64, 0xff, 0xfe, 0x0a])
  }
  await expect(all(noText())).rejects.toThrow(TypeError)
  await expect(all(pieces(`data: ${'x'.repeat(4_100_000)}`, 65_536))).rejects.toThrow(RangeError)
})
