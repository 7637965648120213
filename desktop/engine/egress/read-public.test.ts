import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { Privacy } from '@fusion/shared/chat/conversation.ts'
import { expect, onTestFinished, test } from 'vitest'
import { createLog } from '../log.ts'
import { certificate } from '../testing/certificate.ts'
import { internetWith, png, startPictureServer } from '../testing/picture-server.ts'
import { openDoor, type PublicErrand } from './door.ts'
import { type Outside, type ReadLimits, theInternet } from './read-public.ts'

async function standing({
  limits,
  secure = false,
  privacy = () => 'auto',
  outside,
}: { limits?: Partial<ReadLimits>; secure?: boolean; privacy?: () => Privacy | undefined; outside?: (port: number) => Outside } = {}) {
  const server = await startPictureServer({ secure })
  onTestFinished(server.close)
  const logged: Record<string, unknown>[] = []
  const log = createLog({ level: 'debug', write: line => void logged.push(JSON.parse(line) as Record<string, unknown>) })
  const door = openDoor({ log, privacyOf: privacy, outside: (outside ?? internetWith)(server.port), ...(limits && { limits }) })
  const read = (url: string, errand: Partial<PublicErrand> = {}) =>
    door.readPublic({
      purpose: 'image',
      conversationId: 'chat',
      agreed: true,
      accept: 'image/png',
      signal: new AbortController().signal,
      url,
      ...errand,
    })
  const at = (path: string, host = 'pictures.example') => `http${secure ? 's' : ''}://${host}:${server.port}${path}`
  return { ...server, server, logged, read, at }
}

test('what lies there is read, and the host learns the address alone: no cookie, no referrer, no language', async () => {
  const { read, at, visits, port } = await standing()
  expect(Buffer.from(await read(at('/picture.png?q=1')))).toEqual(png)
  expect(visits).toEqual([
    {
      path: '/picture.png?q=1',
      headers: {
        accept: 'image/png',
        'accept-encoding': 'identity',
        'user-agent': 'Fusion',
        host: `pictures.example:${port}`,
        connection: 'close',
      },
    },
  ])
})

test('the log names host and purpose, and nothing of what stands in the address', async () => {
  const { read, at, logged, port } = await standing()
  await read(at('/picture.png?q=a-private-word'))
  await expect(read(at('/a-private-word.png'))).rejects.toThrow()
  await expect(read('http://inside.example/a-private-word')).rejects.toThrow()
  await expect(read('http://nowhere.example/a-private-word')).rejects.toThrow()
  const host = `pictures.example:${port}`
  const about = { purpose: 'image', conversationId: 'chat' }
  expect(logged).toEqual([
    expect.objectContaining({ event: 'connection made', ...about, host, status: 200 }),
    expect.objectContaining({ event: 'connection made', ...about, host, status: 404 }),
    expect.objectContaining({ level: 'warn', event: 'connection refused', host: 'inside.example', why: 'address-not-public' }),
    expect.objectContaining({ event: 'connection failed', ...about, host: 'nowhere.example', why: 'host-unreachable' }),
  ])
  expect(JSON.stringify(logged)).not.toContain('a-private-word')
})

test.for<[string, Privacy | undefined, Partial<PublicErrand>, string]>([
  ['a local-only chat', 'local-only', {}, 'chat-local-only'],
  ['a chat that nobody knows', undefined, {}, 'egress-refused'],
  ['what nobody agreed to, in any chat', 'auto', { agreed: false }, 'egress-refused'],
  ['an unknown purpose', 'auto', { purpose: 'telemetry' as 'image' }, 'egress-refused'],
  ['no address', 'auto', { url: 'not an address' }, 'egress-refused'],
])('%s opens no connection', async ([, privacy, errand, code]) => {
  const { read, at, visits, logged } = await standing({ privacy: () => privacy })
  await expect(read(at('/picture.png'), errand)).rejects.toMatchObject({ code })
  expect(visits).toEqual([])
  expect(logged).toEqual([expect.objectContaining({ level: 'warn', event: 'connection refused' })])
})

test('a chat that becomes local-only while a host sends on is not sent on', async () => {
  const answers: Privacy[] = ['auto', 'local-only']
  const { read, at, visits } = await standing({ privacy: () => answers.shift() })
  await expect(read(at('/sent-on.png'))).rejects.toMatchObject({ code: 'chat-local-only' })
  expect(visits.map(({ path }) => path)).toEqual(['/sent-on.png'])
})

test.for([
  'http://127.0.0.1:NEIGHBOUR/',
  'http://localhost:NEIGHBOUR/',
  'http://127.1:NEIGHBOUR/',
  'http://2130706433:NEIGHBOUR/',
  'http://0x7f000001:NEIGHBOUR/',
  'http://0177.0.0.1:NEIGHBOUR/',
  'http://0.0.0.0:NEIGHBOUR/',
  'http://[::1]:NEIGHBOUR/',
  'http://[::ffff:127.0.0.1]:NEIGHBOUR/',
  'http://[::ffff:7f00:1]:NEIGHBOUR/',
  'http://①②⑦.0.0.1:NEIGHBOUR/',
  'http://pictures.example:NEIGHBOUR/',
  'http://both.example:PORT/picture.png',
  'http://inside.example/',
  'http://169.254.169.254/latest/meta-data/',
  'http://192.168.0.1/',
  'http://[fe80::1]/',
  'http://1.1.1.1:22/',
])('%s is no place on the internet', async address => {
  const { read, neighbour, port, visits } = await standing()
  const url = address.replace('NEIGHBOUR', String(neighbour.port)).replace('PORT', String(port))
  await expect(read(url)).rejects.toMatchObject({ code: 'address-not-public', detail: { host: expect.any(String) } })
  expect([neighbour.visits, visits]).toEqual([[], []])
})

test.for([
  'ftp://pictures.example/',
  'file:///etc/passwd',
  'data:image/png;base64,AAAA',
  'http://user:word@pictures.example:PORT/picture.png',
])('an address like %s is not asked for', async address => {
  const { read, port, visits } = await standing()
  await expect(read(address.replace('PORT', String(port)))).rejects.toMatchObject({ code: 'address-unfit' })
  expect(visits).toEqual([])
})

test('a name is looked up once, and the connection goes to the address that was found then', async () => {
  const answers = [['127.0.0.1'], ['10.0.0.1']]
  const { read, at, visits } = await standing({
    outside: port => ({ ...internetWith(port), resolve: () => Promise.resolve(answers.shift() ?? []) }),
  })
  expect(await read(at('/picture.png'))).toHaveLength(png.length)
  expect(visits).toHaveLength(1)
  await expect(read(at('/picture.png'))).rejects.toMatchObject({ code: 'address-not-public' })
  await expect(read(at('/picture.png'))).rejects.toMatchObject({ code: 'host-unreachable' })
  expect(visits).toHaveLength(1)
})

test('a redirect is followed, to another host as well, with nothing taken along', async () => {
  const { read, at, visits, port } = await standing()
  await read(at('/sent-on.png'))
  await read(at('/sent-to-another.png'))
  expect(visits.map(({ headers, path }) => [headers.host, path])).toEqual([
    [`pictures.example:${port}`, '/sent-on.png'],
    [`pictures.example:${port}`, '/picture.png'],
    [`pictures.example:${port}`, '/sent-to-another.png'],
    [`another.example:${port}`, '/picture.png'],
  ])
  for (const { headers } of visits) expect(headers).not.toMatchObject({ cookie: expect.anything(), referer: expect.anything() })
})

test.for([
  ['/sent-home.png', 'address-not-public'],
  ['/sent-home-by-name.png', 'address-not-public'],
  ['/sent-to-file.png', 'address-unfit'],
  ['/sent-nowhere.png', 'address-unfit'],
  ['/sent-round.png', 'host-redirects'],
] as const)('a redirect of the kind of %s ends the asking', async ([path, code]) => {
  const { read, at, visits, neighbour } = await standing({ limits: { redirects: 2 } })
  await expect(read(at(path))).rejects.toMatchObject({ code })
  expect(neighbour.visits).toEqual([])
  expect(visits).toHaveLength(path === '/sent-round.png' ? 3 : 1)
})

test('what is too large is not read to its end, whether it says so or not', async () => {
  const { read, at, left } = await standing({ limits: { maxBytes: 1_000_000 } })
  const tooLarge = { code: 'download-too-large', detail: { limit: '1 MB' } }
  await expect(read(at('/announced.png'))).rejects.toMatchObject(tooLarge)
  await left
  const other = await standing({ limits: { maxBytes: 1_000_000 } })
  await expect(other.read(other.at('/endless.png'))).rejects.toMatchObject(tooLarge)
  await other.left
})

test.for(['/silent.png', '/drip.png'])('a host that does not come to an end (%s) is left after a while', async path => {
  const { read, at, waiting } = await standing({ limits: path === '/silent.png' ? { answerMs: 50 } : { wholeMs: 50 } })
  await expect(read(at(path))).rejects.toMatchObject({ code: 'host-too-slow', retryable: true })
  // On a slow machine the time may be over before the host was asked.
  await expect.poll(waiting).toBe(0)
})

test('a name that is never found is left after a while', async () => {
  const { read, at } = await standing({
    limits: { answerMs: 50 },
    outside: port => ({ ...internetWith(port), resolve: () => new Promise(() => {}) }),
  })
  await expect(read(at('/picture.png'))).rejects.toMatchObject({ code: 'host-too-slow' })
})

test.for(['/silent.png', '/drip.png', '/endless.png'])('whoever asked may leave at any time, and the connection ends (%s)', async path => {
  const { read, at, visited, left } = await standing({ limits: { maxBytes: Infinity } })
  const controller = new AbortController()
  const reading = read(at(path), { signal: controller.signal })
  const refused = expect(reading).rejects.toMatchObject({ code: 'cancelled' })
  await visited
  controller.abort()
  await refused
  await left
})

test('what is gone, cut off or closed is said as such', async () => {
  const { read, at, server } = await standing()
  await expect(read(at('/nothing.png'))).rejects.toMatchObject({ code: 'host-refused', detail: { status: 404 } })
  await expect(read(at('/cut-off.png'))).rejects.toMatchObject({ code: 'host-unreachable' })
  server.close()
  await expect(read(at('/picture.png'))).rejects.toMatchObject({ code: 'host-unreachable' })
})

test('a host that cannot prove its name is asked for nothing', async () => {
  const { read, at, visits } = await standing({ secure: true })
  await expect(read(at('/picture.png'))).rejects.toMatchObject({ code: 'host-unproven' })
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, certificate])
  onTestFinished(() => setDefaultCACertificates(before))
  await expect(read(at('/picture.png', 'another.example'))).rejects.toMatchObject({ code: 'host-unproven' })
  expect(visits).toEqual([])
  expect(await read(at('/picture.png'))).toHaveLength(png.length)
  await expect(read(at('/sent-into-the-open.png'))).rejects.toMatchObject({ code: 'address-unfit' })
  expect(visits).toHaveLength(2)
})

test('the shipped rule lets through the web of the internet and nothing else', async () => {
  expect([theInternet.mayReach('1.1.1.1', 443), theInternet.mayReach('1.1.1.1', 80)]).toEqual([true, true])
  expect([theInternet.mayReach('1.1.1.1', 8080), theInternet.mayReach('127.0.0.1', 443), theInternet.mayReach('', 443)]).toEqual([
    false,
    false,
    false,
  ])
  expect(await theInternet.resolve('localhost')).toContain('127.0.0.1')
})
