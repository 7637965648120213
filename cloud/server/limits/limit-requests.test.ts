import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

let cloud: TestCloud
beforeAll(async () => {
  // A quarter of them may come at once: 3, 2, 5 and 4.
  const env = { FUSION_LIMIT_USER: '12', FUSION_LIMIT_KEY: '8', FUSION_LIMIT_ORGANISATION: '20', FUSION_LIMIT_ADDRESS: '16' }
  cloud = await startTestCloud({ env: { ...env, FUSION_CLOUD_PROXIES: '127.0.0.1' } })
})
afterAll(() => cloud.close())

const ask = async (path: string, headers: Record<string, string> = {}) => {
  const reply = await fetch(`${cloud.url}${path}`, { headers })
  await reply.arrayBuffer()
  return reply
}
const asPerson = (token: string) => ask('/v1/account', { authorization: `Bearer ${token}` })

test('a person who asks too often is told when to ask again, and how much there is before', async () => {
  const token = await cloud.signIn('often@example.org')
  const first = await asPerson(token)
  expect([first.status, first.headers.get('ratelimit-policy'), first.headers.get('ratelimit')]).toEqual([
    200,
    '"user";q=12;w=60',
    '"user";r=2;t=5',
  ])
  await asPerson(token)
  await asPerson(token)
  const refused = await fetch(`${cloud.url}/v1/account`, { headers: { authorization: `Bearer ${token}` } })
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(4)
  expect(await refused.json()).toMatchObject({ error: { code: 'rate_limit_exceeded' } })

  // Two more of the same organisation are let through, then all of its people are held.
  const other = await cloud.signIn('other@example.org')
  expect([(await asPerson(other)).status, (await asPerson(other)).status, (await asPerson(other)).status]).toEqual([200, 200, 429])
  const figures = await (await fetch(`${cloud.url}/metrics`)).text()
  expect(figures).toContain('fusion_requests_over_limit_total{by="user"} 1')
  expect(figures).toContain('fusion_requests_over_limit_total{by="organisation"} 1')
})

test('whoever is not signed in, or tries tokens, is counted by address; what balancers ask is not counted', async () => {
  const from = (address: string) => ({ 'x-forwarded-for': address })
  const statuses: number[] = []
  for (let index = 0; index < 3; index++)
    statuses.push((await ask('/v1/account', { ...from('203.0.113.1'), authorization: 'Bearer guess' })).status)
  statuses.push((await ask('/v1/account', from('203.0.113.1'))).status)
  expect(statuses).toEqual([401, 401, 401, 401])
  expect((await ask('/v1/account', { ...from('203.0.113.1'), authorization: 'Bearer guess' })).status).toBe(429)
  expect((await ask('/v1/account', from('203.0.113.2'))).status).toBe(401)

  // Of IPv6 a whole network has one count: its owner has all of its addresses.
  const many = await Promise.all([1, 2, 3, 4, 5].map(last => ask('/v1/account', from(`2001:db8:1:2::${last}`))))
  expect(many.filter(({ status }) => status === 429)).toHaveLength(1)
  for (let index = 0; index < 20; index++) expect((await ask('/healthz', from('203.0.113.1'))).status).toBe(200)
})
