import type { OpenApi } from '../http/openapi.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

let cloud: TestCloud
beforeAll(async () => {
  cloud = await startTestCloud()
})
afterAll(() => cloud.close())

const ask = (path: string, init?: RequestInit) => fetch(`${cloud.url}${path}`, init)

test('it lives, and says of each part how it stands', async () => {
  expect(await (await ask('/healthz')).json()).toEqual({ status: 'alive' })
  const ready = await ask('/readyz')
  expect(ready.status).toBe(200)
  expect(await ready.json()).toMatchObject({ parts: { database: 'connected' } })
})

test('its figures name requests by the template of their route, and never by their address', async () => {
  await ask('/v1/account/sessions/01999999-9999-7999-8999-999999999999?secret=word', { method: 'DELETE' })
  await ask('/nothing/of/ours')
  const text = await (await ask('/metrics')).text()
  expect(text).toContain('fusion_request_seconds_count{method="DELETE",route="/v1/account/sessions/{session}",status="401"} 1')
  expect(text).toContain('fusion_request_seconds_count{method="other",route="none",status="404"} 1')
  expect(text).toContain('fusion_part_up{part="database"} 1')
  expect(text).toMatch(/fusion_database_connections\{state="idle"\} \d/)
  expect(text).toContain('nodejs_eventloop_lag_seconds')
  expect(text).toContain('fusion_generations_running 0')
  expect(text).not.toMatch(/secret|01999999|of\/ours/)
})

test('without a token its figures are for programs of this machine, and not for whom a proxy on it lets through', async () => {
  const reply = await ask('/metrics', { headers: { 'x-forwarded-for': '203.0.113.7' } })
  expect(reply.status).toBe(403)
})

test('what it can be asked is described, with who may and what can go wrong', async () => {
  const { openapi, paths } = (await (await ask('/openapi.json')).json()) as OpenApi
  expect(openapi).toBe('3.1.0')
  expect(paths['/v1/account']?.['get']).toMatchObject({ security: [{ accessToken: [] }], responses: { 200: {}, 401: {}, 503: {} } })
})
