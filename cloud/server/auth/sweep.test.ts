import { clientIds } from '@fusion/shared/contract/cloud/account.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'

let cloud: TestCloud
let now = Date.parse('2026-11-25T12:00:00Z')
beforeAll(async () => {
  cloud = await startTestCloud({ clock: () => now })
})
afterAll(() => cloud.close())

test('what ended long ago is removed, and what is in use stays', async () => {
  const { sessions, grants, invitations, local, sweep } = cloud.parts.identity
  const user = await cloud.makeUser()
  const begin = () => sessions.begin({ user, clientId: clientIds.desktop, deviceName: 'A desk' })
  await begin()
  await grants.beginDevice({ clientId: clientIds.desktop, deviceName: undefined })
  await invitations.invite({ organisationId: user.organisationId, role: 'member', email: null, invitedBy: user.id })
  await local.signIn({ email: user.email, password: 'wrong', address: '192.0.2.1' }).catch(() => {})
  const counts = async () => {
    const [row] = await cloud.database.query(
      `select (select count(*) from sessions) as sessions, (select count(*) from device_codes) as devices,
         (select count(*) from invitations where organisation_id is not null) as invitations,
         (select count(*) from sign_in_attempts) as attempts`,
    )
    return row
  }
  await sweep()
  expect(await counts()).toEqual({ sessions: 1, devices: 1, invitations: 1, attempts: 3 })
  now += 70 * 86_400_000
  const { sessionId } = await begin()
  await sweep()
  expect(await counts()).toEqual({ sessions: 1, devices: 0, invitations: 0, attempts: 0 })
  expect(await sessions.find(sessionId)).toBeDefined()
})
