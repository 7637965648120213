// The program itself, from its first start to the first admin's way out, and what of that stands in its log.
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clientIds, type TokenReply } from '@fusion/shared/contract/cloud/account.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeDatabase, type TestDatabase } from '../../database/testing/test-database.ts'
import { startBrowser } from '../testing/browser.ts'

let made: TestDatabase
let home: string
beforeAll(async () => {
  made = await makeDatabase()
  home = await mkdtemp(join(tmpdir(), 'fusion-cloud-'))
})
afterAll(async () => {
  await made.close()
  await rm(home, { recursive: true, force: true })
})

test('the first admin comes in by the link of the first start, and no secret or address of theirs is in the log', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts')], {
    env: {
      ...process.env,
      FUSION_HOME: home,
      FUSION_CLOUD_PORT: '0',
      FUSION_LOG: 'debug',
      DATABASE_URL: made.url,
      MODEL_SERVERS: '[{"url":"http://127.0.0.1:9"}]',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  let output = ''
  const ready = new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
        const url = /^Fusion Cloud is ready at (\S+)$/m.exec(output)?.[1]
        if (url) resolve(url)
      })
    child.once('close', () => reject(new Error(output)))
  })
  try {
    const url = await ready
    const link = new URL(/^Make the first account, within a day: (\S+)$/m.exec(output)![1]!)
    const browser = startBrowser(url)
    const [email, password] = ['ada@example.org', 'a long and quiet sentence']
    await browser.send(await browser.open(link.pathname + link.search), { organisation: 'Cellar', name: 'Ada', email, password })

    const verifier = randomBytes(32).toString('base64url')
    const redirect_uri = 'http://127.0.0.1:50123/callback'
    const query = new URLSearchParams({
      client_id: clientIds.desktop,
      redirect_uri,
      state: 'a-state-of-the-app',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
    const page = await browser.open(`/oauth/authorize?${query.toString()}`)
    const refused = await browser.send(page, { email, password: 'not the right sentence' })
    const code = (await browser.send(refused, { email, password })).location!.searchParams.get('code')!
    const ask = async (fields: Record<string, string>) => {
      const body = new URLSearchParams({ client_id: clientIds.desktop, ...fields })
      return (await (await fetch(`${url}/oauth/token`, { method: 'POST', body })).json()) as TokenReply
    }
    const tokens = await ask({ grant_type: 'authorization_code', code, redirect_uri, code_verifier: verifier })
    const next = await ask({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
    const headers = { authorization: `Bearer ${next.access_token}` }
    expect(await (await fetch(`${url}/v1/account`, { headers })).json()).toMatchObject({ user: { name: 'Ada', role: 'admin' } })
    await fetch(`${url}/v1/account/sessions`, { method: 'DELETE', headers })
    expect((await fetch(`${url}/v1/account`, { headers })).status).toBe(401)

    child.kill('SIGTERM')
    await ended
    const log = output.replace(link.href, '')
    expect(log).toContain('/oauth/sign-in')
    const secrets = { email, password, code, verifier, link: link.searchParams.get('code')!, ...tokens, next: next.access_token }
    const found = Object.entries(secrets).filter(([, secret]) => typeof secret === 'string' && secret !== 'Bearer' && log.includes(secret))
    expect(found.map(([name]) => name)).toEqual([])
    expect((await stat(join(home, 'cloud/secret-key'))).mode & 0o777).toBe(0o600)
  } finally {
    child.kill('SIGKILL')
    await ended
  }
})
