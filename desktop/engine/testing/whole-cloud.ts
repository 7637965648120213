// The whole cloud as `npm run cloud` starts it, and the person who uses its pages: for tests of the app against it.
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { accountRoutes, AUTHORIZE_PATH, clientIds, type TokenReply } from '@fusion/shared/contract/cloud/account.ts'

export interface WholeCloud {
  address: string
  /** Its admin. */
  person: { email: string; password: string }
  /** Signs in on the page that the app gives the address of, and goes back to the app as a browser does. */
  signIn(page: string): Promise<void>
  /** Asks a route as its admin, from a session of its own. Throws where it is refused. */
  call(method: string, path: string, body?: object): Promise<void>
  end(): Promise<void>
}

const PERSON = { email: 'ada@example.org', password: 'a long enough sentence' }

/** With its own Postgres, its own model server where `env` names none, and an account in it. */
export async function startWholeCloud(home: string, env: Record<string, string> = {}): Promise<WholeCloud> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../../cloud/server/main.ts')], {
    env: { ...process.env, FUSION_HOME: home, FUSION_CLOUD_PORT: '0', DATABASE_URL: undefined, MODEL_SERVERS: undefined, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit')
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  let said = ''
  child.stderr.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-4000)))
  let welcome = ''
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', line => {
      welcome = /^Make the first account.*: (\S+)$/.exec(line)?.[1] ?? welcome
      const ready = /^Fusion Cloud is ready at (\S+)$/.exec(line)
      if (ready) resolve(ready[1]!)
    })
    ended.then(([code]) => reject(new Error(`The cloud ended with ${code} before it was ready: ${said}`)), reject)
  })
  await fillIn(welcome, { organisation: 'Example', name: 'Ada', ...PERSON })
  let token: Promise<string> | undefined
  return {
    address,
    person: PERSON,
    async signIn(page) {
      const back = await fillIn(page, PERSON)
      if (!back) throw new Error('The cloud did not lead back to the app')
      await fetch(back)
    },
    async call(method, path, body) {
      token ??= accessToken(address)
      const headers = { authorization: `Bearer ${await token}`, 'content-type': 'application/json' }
      const reply = await fetch(address + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
      if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`)
    },
    async end() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function accessToken(address: string): Promise<string> {
  const verifier = randomBytes(32).toString('base64url')
  const app = { client_id: clientIds.desktop, redirect_uri: 'http://127.0.0.1:50123/callback' }
  const query = new URLSearchParams({
    ...app,
    response_type: 'code',
    state: 'a state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const back = await fillIn(`${address}${AUTHORIZE_PATH}?${query.toString()}`, PERSON)
  const code = new URL(back ?? address).searchParams.get('code') ?? ''
  const body = new URLSearchParams({ ...app, grant_type: 'authorization_code', code, code_verifier: verifier })
  return ((await (await fetch(address + accountRoutes.token.path, { method: 'POST', body })).json()) as TokenReply).access_token
}

/** Sends the first form of a page, with the cookies that came with it; gives where that leads to. */
async function fillIn(page: string, fields: Record<string, string>): Promise<string | null> {
  const shown = await fetch(page)
  const cookie = shown.headers
    .getSetCookie()
    .map(set => set.split(';')[0])
    .join('; ')
  const [, action = '', inside = ''] = /<form[^>]* action="([^"]+)"[^>]*>(.*?)<\/form>/s.exec(await shown.text()) ?? []
  const hidden = [...inside.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
    name,
    value.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))),
  ])
  const body = new URLSearchParams({ ...Object.fromEntries(hidden), ...fields })
  const sent = await fetch(new URL(action, page), { method: 'POST', body, redirect: 'manual', headers: { cookie } })
  return sent.headers.get('location')
}
