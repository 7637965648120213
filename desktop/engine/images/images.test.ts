import type { Message } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { expect, onTestFinished, test } from 'vitest'
import { openStorage } from '../storage/storage.ts'
import { aMessage } from '../storage/testing/a-message.ts'
import { internetWith, png, startPictureServer } from '../testing/picture-server.ts'
import { testEngine, testFolder } from '../testing/test-engine.ts'

/** An engine with one chat, in which a question and an answer hold these images, and the host where they lie. */
async function standing(paths: string[], pictures?: Record<string, Buffer>) {
  const server = await startPictureServer(pictures ? { pictures } : {})
  onTestFinished(server.close)
  const at = (path: string) => `http://pictures.example:${server.port}${path}`
  const text = paths.map(path => `![words](${at(path)})`).join('\n\n')
  const folder = await testFolder()
  const storage = openStorage({ folder })
  const conversationId = newId()
  storage.conversations.create({ id: conversationId, title: 'Pictures' })
  const question = aMessage(conversationId, text)
  const answer: Message = { ...aMessage(conversationId, text, question.id), role: 'assistant' }
  for (const message of [question, answer]) storage.messages.add(message)
  storage.close()
  const { fusion, logged } = await testEngine({ folder, outside: internetWith(server.port) })

  async function read(path: string, { messageId = answer.id, signal }: { messageId?: string; signal?: AbortSignal } = {}) {
    const pieces: Buffer[] = []
    let found: unknown
    for await (const event of fusion.images.read({ conversationId, messageId, written: at(path) }, { signal })) {
      if (event.type === 'image-data') pieces.push(Buffer.from(event.data, 'base64'))
      else found = event
    }
    return { found, bytes: Buffer.concat(pieces) }
  }
  return { ...server, server, fusion, logged, conversationId, question, read, at }
}

test('an image of an answer comes with what it is, whole', async () => {
  const large = Buffer.concat([png, Buffer.alloc(3_000_001, 'x')])
  const { read } = await standing(['/picture.png', '/large.png'], { '/large.png': large })
  expect(await read('/picture.png')).toEqual({
    found: { type: 'image-found', facts: { mediaType: 'image/png', width: 5, height: 3 }, bytes: png.length },
    bytes: png,
  })
  const { bytes } = await read('/large.png')
  expect(bytes.equals(large)).toBe(true)
})

test('an address that does not stand as an image in that very answer is never asked for', async () => {
  const { read, visits, question, fusion, at } = await standing(['/picture.png'])
  const unwritten = { code: 'image-not-written' }
  await expect(read('/other.png')).rejects.toMatchObject(unwritten)
  await expect(read('/picture.png?more=1')).rejects.toMatchObject(unwritten)
  await expect(read('/picture')).rejects.toMatchObject(unwritten)
  await expect(read('/picture.png', { messageId: question.id })).rejects.toMatchObject({ code: 'not-found' })
  await expect(read('/picture.png', { messageId: newId() })).rejects.toMatchObject({ code: 'not-found' })
  const elsewhere = fusion.images.read({ conversationId: newId(), messageId: question.id, written: at('/picture.png') })
  await expect(elsewhere.next()).rejects.toMatchObject({ code: 'not-found' })
  expect(visits).toEqual([])
})

test('a local-only chat asks nobody; one that asks was asked by the click', async () => {
  const { read, visits, fusion, conversationId } = await standing(['/picture.png'])
  await fusion.chats.setPrivacy({ conversationId, privacy: 'local-only' })
  await expect(read('/picture.png')).rejects.toMatchObject({ code: 'chat-local-only' })
  expect(visits).toEqual([])
  await fusion.chats.setPrivacy({ conversationId, privacy: 'ask' })
  await read('/picture.png')
  expect(visits).toHaveLength(1)
})

test('what is no image, whatever it is called, is not handed on', async () => {
  const { read } = await standing(['/page.png', '/drawing.svg', '/huge.png', '/nothing.png'])
  await expect(read('/page.png')).rejects.toMatchObject({ code: 'image-unknown' })
  await expect(read('/drawing.svg')).rejects.toMatchObject({ code: 'image-svg' })
  await expect(read('/huge.png')).rejects.toMatchObject({ code: 'image-too-many-pixels', detail: { width: 50_000, height: 50_000 } })
  await expect(read('/nothing.png')).rejects.toMatchObject({ code: 'host-refused' })
})

test('more images at once than fit into memory are refused, and each that ends makes room', async () => {
  const { read, server } = await standing(['/drip.png', '/picture.png'])
  const controller = new AbortController()
  const waiting = Array.from({ length: 6 }, () => read('/drip.png', { signal: controller.signal }).catch((error: unknown) => error))
  await expect.poll(() => server.visits.length).toBe(6)
  await expect(read('/picture.png')).rejects.toMatchObject({ code: 'overloaded', retryable: true })
  controller.abort()
  for (const ended of await Promise.all(waiting)) expect(ended).toMatchObject({ code: 'cancelled' })
  await expect.poll(() => read('/picture.png').then(({ bytes }) => bytes.length)).toBe(png.length)
})

test('a page that goes away ends the connection', async () => {
  const { read, server, left } = await standing(['/drip.png'])
  const controller = new AbortController()
  const reading = read('/drip.png', { signal: controller.signal }).catch(() => {})
  await expect.poll(() => server.visits.length).toBe(1)
  controller.abort()
  await left
  await reading
})

test('the log tells the host, and neither the address nor the words', async () => {
  const { read, logged } = await standing(['/picture.png?q=a-private-word'])
  await read('/picture.png?q=a-private-word')
  expect(logged.filter(line => line.includes('pictures.example'))).toHaveLength(1)
  expect(logged.join()).not.toContain('a-private-word')
})
