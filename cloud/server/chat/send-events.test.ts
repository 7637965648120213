// Readers that stop taking what comes, as bare sockets can: nothing is piled up for them, and nothing is lost.
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { SeenEvent } from './event-tail.ts'
import { sendEvents } from './send-events.ts'

const BATCHES = 400
/** Of one batch: what sockets of the system hold is a few of them. */
const CHARACTERS = 200_000

interface Stalled {
  reader: Socket
  /** Batches that were asked for so far. */
  asked(): number
  response: ServerResponse
  leave: AbortController
  done: Promise<void>
}

/** A reader that has read the beginning and then takes nothing more. */
async function stall(generation: string, slowMs?: number): Promise<Stalled> {
  let asked = 0
  async function* batches(): AsyncGenerator<SeenEvent[]> {
    for (; asked < BATCHES; asked++) yield [{ seq: asked + 1, event: { type: 'text-delta', text: 'x'.repeat(CHARACTERS) } }]
  }
  const leave = new AbortController()
  const { promise: begun, resolve } = Promise.withResolvers<{ response: ServerResponse; done: Promise<void> }>()
  const server = createServer((_request, response) => {
    const options = { generation, batches: batches(), drained: () => false, leave, ...(slowMs !== undefined && { slowMs }) }
    resolve({ response, done: sendEvents(response, options) })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const reader = connect((server.address() as AddressInfo).port, '127.0.0.1')
  reader.on('error', () => {})
  reader.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(reader, 'data')
  reader.pause()
  return { reader, asked: () => asked, leave, ...(await begun) }
}

/** Resolves when the server asks for no more batches. */
async function quiet({ asked }: Stalled): Promise<number> {
  for (let before = -1; before !== asked(); await new Promise(resolve => setTimeout(resolve, 200))) before = asked()
  return asked()
}

test('for a reader that stalls no more is kept than a batch, and when it goes on it gets everything once', async () => {
  const generation = newId()
  const stalled = await stall(generation)
  expect(await quiet(stalled)).toBeLessThan(BATCHES / 4)
  expect(stalled.response.writableLength).toBeLessThan(3 * CHARACTERS)

  let text = ''
  stalled.reader.setEncoding('latin1').on('data', (data: string) => (text += data.replaceAll(/x{2,}/g, '')))
  stalled.reader.resume()
  await stalled.done
  await once(stalled.reader, 'end').catch(() => {})
  const seqs = [...text.matchAll(/id: [^:]+:(\d+)/g)].map(([, seq]) => Number(seq))
  // The first ones came before it stalled.
  expect(seqs.length).toBeGreaterThan(BATCHES / 2)
  expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, index) => BATCHES - seqs.length + index + 1))
})

test('a reader that takes nothing for too long is let go, and its place is free', async () => {
  const stalled = await stall(newId(), 300)
  await stalled.done
  expect(stalled.leave.signal.aborted).toBe(true)
  expect(stalled.response.destroyed).toBe(true)
  expect(stalled.asked()).toBeLessThan(BATCHES / 4)
})

test('a reader that left before anybody wrote to it is let go at once', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<ServerResponse>()
  const server = createServer((_request, response) => resolve(response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const reader = connect((server.address() as AddressInfo).port, '127.0.0.1')
  reader.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  const response = await asked
  reader.destroy()
  await once(response, 'close')
  const leave = new AbortController()
  async function* batches(): AsyncGenerator<SeenEvent[]> {
    yield [{ seq: 1, event: { type: 'text-delta', text: 'x' } }]
    await once(leave.signal, 'abort')
  }
  await sendEvents(response, { generation: newId(), batches: batches(), drained: () => false, leave })
  expect(leave.signal.aborted).toBe(true)
})
