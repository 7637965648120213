import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Privacy } from '@fusion/shared/chat/conversation.ts'
import { expect, onTestFinished, test } from 'vitest'
import { createLog } from '../log.ts'
import { type Errand, openDoor } from './door.ts'

const chats: Record<string, Privacy> = { open: 'auto', careful: 'ask', closed: 'local-only' }

/** A door, and a real server behind it that counts who came. */
async function standing() {
  const visits: string[] = []
  const server = createServer((request, response) => {
    visits.push(request.url ?? '')
    if (request.url === '/away') return response.writeHead(307, { location: '/elsewhere' }).end()
    response.end('hello')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const logged: Record<string, unknown>[] = []
  const log = createLog({ level: 'debug', write: line => void logged.push(JSON.parse(line) as Record<string, unknown>) })
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { door: openDoor({ log, privacyOf: id => chats[id] }), url: `http://${host}/v1/chat?text=hidden`, host, visits, logged }
}

const refused = { code: 'egress-refused' }
const localOnly = { code: 'chat-local-only' }

test('a chat on auto goes through, and what is logged is its purpose and the host, nothing of the address or the body', async () => {
  const { door, url, host, visits, logged } = await standing()
  const init = { method: 'POST', body: 'a very private question' }
  const response = await door.request({ purpose: 'cloud-answer', conversationId: 'open', url, init })
  expect(await response.text()).toBe('hello')
  expect(visits).toHaveLength(1)
  expect(logged).toEqual([
    expect.objectContaining({ event: 'connection made', purpose: 'cloud-answer', conversationId: 'open', host, status: 200 }),
  ])
  expect(JSON.stringify(logged)).not.toMatch(/private|hidden|v1/)
})

test.for<[string, (url: string) => Errand]>([
  ['a local-only chat', url => ({ purpose: 'cloud-answer', conversationId: 'closed', url })],
  ['a local-only chat, whatever was agreed', url => ({ purpose: 'sync', conversationId: 'closed', agreed: true, url })],
  ['a chat that asks, before it was asked', url => ({ purpose: 'cloud-answer', conversationId: 'careful', url })],
  ['a chat that nobody knows', url => ({ purpose: 'cloud-answer', conversationId: 'unknown', url })],
  ['a chat that is not named', url => ({ purpose: 'cloud-answer', url }) as Errand],
  ['a chat under a purpose that is not for chats', url => ({ purpose: 'account', conversationId: 'open', url }) as unknown as Errand],
  ['an unknown purpose', url => ({ purpose: 'telemetry', url }) as unknown as Errand],
  ['an image, which goes another way', url => ({ purpose: 'image', conversationId: 'open', agreed: true, url }) as unknown as Errand],
  ['no purpose', url => ({ url }) as unknown as Errand],
  ['credentials in the address', url => ({ purpose: 'account', url: url.replace('//', '//user:word@') })],
])('%s opens no connection', async ([name, errand]) => {
  const { door, url, visits, logged } = await standing()
  await expect(door.request(errand(url))).rejects.toMatchObject(name.startsWith('a local-only') ? localOnly : refused)
  expect(visits).toEqual([])
  expect(logged).toEqual([expect.objectContaining({ level: 'warn', event: 'connection refused' })])
})

test.for(['http://example.com/', 'ftp://127.0.0.1/', 'file:///etc/passwd', 'data:text/plain,x', 'not an address', ''])(
  'the address "%s" opens no connection',
  async url => {
    const { door } = await standing()
    await expect(door.request({ purpose: 'account', url })).rejects.toMatchObject(refused)
  },
)

test('a chat that asks goes through once the person agreed', async () => {
  const { door, url, visits } = await standing()
  await door.request({ purpose: 'cloud-answer', conversationId: 'careful', agreed: true, url })
  expect(visits).toHaveLength(1)
})

test('a chat that became local-only a moment ago is refused by its next request', async () => {
  const { url, visits } = await standing()
  let privacy: Privacy = 'auto'
  const door = openDoor({ log: createLog({ level: 'error', write: () => {} }), privacyOf: () => privacy })
  await door.request({ purpose: 'sync', conversationId: 'any', url })
  privacy = 'local-only'
  await expect(door.request({ purpose: 'sync', conversationId: 'any', url })).rejects.toMatchObject(localOnly)
  expect(visits).toHaveLength(1)
})

test('a redirect is not followed: nobody was asked about where it leads', async () => {
  const { door, host, visits } = await standing()
  await expect(door.request({ purpose: 'account', url: `http://${host}/away`, init: { method: 'POST', body: 'x' } })).rejects.toThrow()
  expect(visits).toEqual(['/away'])
})
