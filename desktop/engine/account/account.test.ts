import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDoor } from '../egress/door.ts'
import { createLog } from '../log.ts'
import { startFaultyCloud } from '../testing/faulty-cloud.ts'
import { testFolder } from '../testing/test-engine.ts'
import { createAccount } from './account.ts'
import { openKeptAccount } from './kept-account.ts'
import type { SecretPlace } from './keychain.ts'
import { openSecretFile } from './secret-file.ts'

/** As a system without a keychain answers. */
const noKeychain: SecretPlace = {
  read: () => Promise.reject(new Error('no keychain')),
  write: () => Promise.reject(new Error('no keychain')),
  forget: () => Promise.reject(new Error('no keychain')),
}

function keychain(): SecretPlace & { kept: string[] } {
  const kept: string[] = []
  return {
    kept,
    read: async () => kept.at(-1),
    write: async secret => void kept.push(secret),
    forget: async () => void kept.splice(0),
  }
}

function open(folder: string, place: SecretPlace = noKeychain) {
  const log = createLog({ level: 'error', write: () => {} })
  return createAccount({ door: openDoor({ log, privacyOf: () => undefined }), kept: openKeptAccount(folder, place), log })
}

const never = new AbortController().signal

/** Signs in as the browser of the person does: it comes back to the address it was given. */
async function signInByBrowser(account: ReturnType<typeof open>, address: string): Promise<URL> {
  let opened: URL | undefined
  for await (const event of account.signIn({ address, by: 'browser' }, never)) {
    opened = new URL(event.address)
    const back = new URL(opened.searchParams.get('redirect_uri')!)
    const wrong = await fetch(`${back.href}?code=stolen&state=guessed`)
    expect(wrong.status).toBe(404)
    back.search = new URLSearchParams({ code: 'good', state: opened.searchParams.get('state')! }).toString()
    expect(await (await fetch(back)).text()).toContain('Fusion is signed in.')
  }
  return opened!
}

test('signed in by the browser with PKCE and a way back to 127.0.0.1, and still after the next start', async () => {
  const cloud = await startFaultyCloud()
  const folder = await testFolder()
  const account = open(folder)
  const page = await signInByBrowser(account, cloud.address)
  expect(Object.fromEntries(page.searchParams)).toMatchObject({
    client_id: 'fusion-desktop',
    redirect_uri: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/callback$/),
    code_challenge_method: 'S256',
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
  })
  expect(account.state().signedIn).toMatchObject({ email: 'ada@example.org', organisation: 'Example', keptIn: 'file' })
  const again = open(folder)
  await again.known
  expect(again.state().signedIn).toMatchObject({ email: 'ada@example.org' })
  expect(await again.access()).toMatchObject({ token: 'access-2' })
})

test('signed in by a code', async () => {
  const cloud = await startFaultyCloud()
  const account = open(await testFolder())
  const events = []
  for await (const event of account.signIn({ address: cloud.address, by: 'code' }, never)) events.push(event)
  expect(events).toEqual([{ type: 'code-given', code: 'ABCD-EFGH', address: 'http://127.0.0.1/device' }])
  expect(account.state().signedIn).toMatchObject({ name: 'Ada' })
})

test('many who ask for a token at once renew it once, and the new secret is kept in the keychain before the old one is gone', async () => {
  const cloud = await startFaultyCloud()
  const place = keychain()
  const account = open(await testFolder(), place)
  await signInByBrowser(account, cloud.address)
  expect(account.state().signedIn).toMatchObject({ keptIn: 'keychain' })
  const tokens = await Promise.all(Array.from({ length: 20 }, () => account.access('access-1')))
  expect(new Set(tokens.map(({ token }) => token))).toEqual(new Set(['access-2']))
  expect(place.kept).toEqual(['refresh-1', 'refresh-2'])
})

test('a session that is over signs out in words; a cloud that is away does not', async () => {
  const cloud = await startFaultyCloud()
  const account = open(await testFolder())
  await signInByBrowser(account, cloud.address)
  cloud.refuse(503)
  await expect(account.access('access-1')).rejects.toMatchObject({ code: 'cloud-unreachable' })
  expect(account.state()).toMatchObject({ signedIn: { name: 'Ada' }, failure: { code: 'cloud-unreachable' } })
  cloud.refuse(undefined)
  expect(await account.access('access-1')).toMatchObject({ token: 'access-2' })
  expect(account.state().failure).toBeNull()
  cloud.endSession()
  await expect(account.access('access-2')).rejects.toMatchObject({ code: 'signed-out' })
  expect(account.state()).toEqual({ signedIn: null, lastAddress: cloud.address, failure: expect.objectContaining({ code: 'signed-out' }) })
})

test('signing out ends the session at the cloud, and forgets it here even where that is away', async () => {
  const cloud = await startFaultyCloud()
  const folder = await testFolder()
  const account = open(folder)
  await signInByBrowser(account, cloud.address)
  await account.signOut()
  expect(cloud.asked.at(-1)).toBe('POST /oauth/revoke')
  expect(await openSecretFile(folder).read()).toBeUndefined()
  await signInByBrowser(account, cloud.address)
  cloud.refuse(503)
  await account.signOut()
  expect(account.state().signedIn).toBeNull()
  await expect(account.access()).rejects.toMatchObject({ code: 'signed-out' })
})

test.for(['http://cloud.example.org', 'ftp://127.0.0.1', 'https://user:word@example.org', 'not an address', ''])(
  'nothing is asked of "%s"',
  async address => {
    const account = open(await testFolder())
    await expect(account.signIn({ address, by: 'code' }, never).next()).rejects.toMatchObject({ code: 'cloud-address-unfit' })
  },
)

test('the file of a secret is for its owner alone, holds no readable word of it, and a damaged one is none', async () => {
  const folder = await testFolder()
  const place = openSecretFile(folder)
  await place.write('a very secret token')
  expect(await openSecretFile(folder).read()).toBe('a very secret token')
  for (const name of ['account.secret', 'account.key']) {
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(folder, name)).includes('secret')).toBe(false)
  }
  await place.write('another')
  expect(await place.read()).toBe('another')
  writeFileSync(join(folder, 'account.secret'), 'damaged')
  expect(await place.read()).toBeUndefined()
  await place.forget()
  expect(readdirSync(folder)).toEqual([])
})
