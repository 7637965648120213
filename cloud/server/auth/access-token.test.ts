import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

let cloud: TestCloud
beforeAll(async () => {
  cloud = await startTestCloud()
})
afterAll(() => cloud.close())

test('an access token names who calls', async () => {
  const user = await cloud.makeUser({ email: 'ada@example.org' })
  const token = await cloud.signIn('ADA@example.org')
  expect(await cloud.parts.identity.callerOf(token)).toEqual({
    userId: user.id,
    organisationId: cloud.organisation.id,
    role: 'member',
    sessionId: expect.any(String),
    apiKeyId: null,
    scopes: [],
  })
})
