// Two servers of one cloud with nothing of their own: Debian's Postgres, a Redis Cluster, S3, an OpenID provider, and real vLLM.
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientIds } from '@fusion/shared/contract/cloud/account.ts'
import type { FinishedMessage } from '@fusion/shared/contract/cloud/history.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { textOf as wordsOf } from '@fusion/shared/chat/message.ts'
import { freePort } from '../database/free-port.ts'
import { createOrganisation } from '../database/organisations.ts'
import { debianPostgresIsHere, startDebianPostgres } from '../database/testing/debian-postgres.ts'
import { createUser } from '../database/users.ts'
import { skipWithoutRedis, startCluster } from './cache/testing/test-redis.ts'
import { readConfig } from './config.ts'
import { skipWithoutS3, startS3 } from './objects/testing/test-s3.ts'
import { type Cloud, startCloud } from './start.ts'
import { startBrowser } from './testing/browser.ts'
import { chatClient, question, textOf } from './testing/chat-client.ts'
import { type OpenIdProvider, startOpenIdProvider } from './testing/openid-provider.ts'
import { startVllm, VLLM_MODEL, vllmIsHere } from './testing/vllm/vllm.ts'

const missing = Object.entries({
  'Postgres of Debian': debianPostgresIsHere(),
  Redis: !skipWithoutRedis,
  S3: !skipWithoutS3,
  vLLM: vllmIsHere(),
})
  .filter(([, here]) => !here)
  .map(([name]) => name)

describe.skipIf(missing.length > 0)(`with all parts real${missing.length > 0 ? ` (not here: ${missing.join(', ')})` : ''}`, () => {
  const closing: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const end of closing.splice(0).toReversed()) await end()
  }
  let provider: OpenIdProvider
  let one: Cloud
  let other: Cloud
  let token: string

  beforeAll(async () => {
    const home = await mkdtemp(join(tmpdir(), 'fusion-real-parts-'))
    closing.push(() => rm(home, { recursive: true, force: true }))
    const [postgres, redis, s3, vllm] = [await startDebianPostgres(), await startCluster(), await startS3(), await startVllm()]
    closing.push(postgres.close, redis.close, s3.close, vllm.close)
    const port = await freePort()
    provider = await startOpenIdProvider(`http://127.0.0.1:${port}/oauth/provider/callback`)
    closing.push(provider.close)
    const start = async (at: number) => {
      const cloud = await startCloud(
        readConfig({
          ...s3.env,
          FUSION_HOME: join(home, String(at)),
          FUSION_CLOUD_PORT: String(at),
          FUSION_CLOUD_URL: `http://127.0.0.1:${port}`,
          FUSION_CLOUD_KEY: 'a key that both servers have, of 32',
          FUSION_LOG: 'error',
          DATABASE_URL: postgres.url,
          REDIS_URL: redis.url,
          MODEL_SERVERS: JSON.stringify([{ url: vllm.url, apiKey: vllm.apiKey }]),
          OIDC_ISSUER: provider.issuer,
          OIDC_CLIENT_ID: provider.clientId,
          OIDC_CLIENT_SECRET: provider.clientSecret,
          OIDC_NAME: 'Example Login',
        }),
      )
      closing.push(cloud.close)
      await cloud.parts.models.looked
      return cloud
    }
    // Both at once on an empty database.
    ;[one, other] = await Promise.all([start(port), start(0)])
    token = await signIn()
  }, 300_000)
  afterAll(close)

  /** A person who was invited as an admin, at the provider. */
  async function signIn(): Promise<string> {
    const { database, identity } = one.parts
    const { id: organisationId } = await createOrganisation(database, 'Example')
    const first = await createUser(database, { organisationId, email: 'first@example.org', name: 'First', role: 'admin' })
    await identity.invitations.invite({ organisationId, role: 'admin', email: 'ada@example.org', invitedBy: first!.id })
    provider.signInAs('ada', { email: 'ada@example.org', email_verified: true, name: 'Ada' })
    const verifier = randomBytes(32).toString('base64url')
    const redirect = 'http://127.0.0.1:50123/callback'
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: clientIds.desktop,
      redirect_uri: redirect,
      state: 'a state of the app',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
    const browser = startBrowser(one.url)
    const page = await browser.open(`/oauth/authorize?${query.toString()}`)
    const [, href = ''] = /<a class="button" href="([^"]+)">Continue with Example Login<\/a>/.exec(page.text) ?? []
    let { location } = await browser.open(href.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))))
    const elsewhere = startBrowser(provider.issuer)
    while (location && location.origin !== one.url) ({ location } = await elsewhere.open(location.href))
    const back = await browser.openFromElsewhere(`${location!.pathname}${location!.search}`)
    const reply = await fetch(`${one.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: clientIds.desktop,
        redirect_uri: redirect,
        code: back.location!.searchParams.get('code')!,
        code_verifier: verifier,
      }),
    })
    return ((await reply.json()) as { access_token: string }).access_token
  }

  async function call<T>(cloud: Cloud, method: string, path: string, body?: object): Promise<T> {
    const reply = await fetch(cloud.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    expect([method, path, reply.status < 300]).toEqual([method, path, true])
    const text = await reply.text()
    return (text ? JSON.parse(text) : undefined) as T
  }

  test('both servers say that each part is there, and that none is their own', async () => {
    for (const cloud of [one, other]) {
      expect(cloud.embedded).toEqual([])
      expect(await (await fetch(`${cloud.url}/readyz`)).json()).toMatchObject({
        status: 'ready',
        parts: { database: 'connected', cache: 'connected', objects: 'connected', models: 'connected' },
      })
    }
  })

  test('what is asked at one is followed at the other, stands in the history of both, and is found, attached to and taken along', async () => {
    const conversation = newId()
    await call(one, 'POST', '/v1/conversations', { id: conversation })
    const bytes = Buffer.from('Moths fly at night.')
    const hash = createHash('sha256').update(bytes).digest('hex')
    const put = await fetch(`${one.url}/v1/attachments/${hash}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
      body: bytes,
    })
    expect(put.status).toBe(204)
    const file = { type: 'attachment', hash, name: 'moths.txt', bytes: bytes.length }
    const asked = newId()
    const parts = [file, { type: 'text', text: 'When do herons sleep?' }]
    await call(other, 'POST', `/v1/conversations/${conversation}/messages`, { id: asked, parentId: null, role: 'user', parts })

    // Without a prompt: the cloud reads the question and its file.
    const { prompt: _, ...bare } = question(VLLM_MODEL, {
      conversation,
      question: { id: asked },
      sampling: { maxTokens: 20, temperature: 0 },
    })
    const following = await chatClient(one.url, token).ask(bare)
    expect(following.status).toBe(200)
    const [first] = await following.until(({ type }) => type === 'text-delta')
    following.leave()
    const whole = await (await chatClient(other.url, token).resume(bare.answer, 0)).rest()
    expect(whole[0]).toEqual(first)
    expect(whole.at(-1)!.event).toMatchObject({ type: 'generation-finish', usage: { completionTokens: expect.any(Number) } })
    const { messages } = await call<{ messages: FinishedMessage[] }>(other, 'GET', `/v1/conversations/${conversation}/messages`)
    expect(messages.map(({ id }) => id)).toEqual([bare.answer, asked])
    expect(wordsOf(messages[0]!)).toBe(textOf(whole))

    // A prompt of the client's own.
    const inline = question(VLLM_MODEL, { conversation, sampling: { maxTokens: 10, temperature: 0 } })
    expect((await (await chatClient(other.url, token).ask(inline)).rest()).at(-1)!.event.type).toBe('generation-finish')

    const { hits } = await call<{ hits: { conversationId: string }[] }>(one, 'GET', '/v1/search?q=herons')
    expect(hits.map(({ conversationId }) => conversationId)).toContain(conversation)
    const link = await call<{ url: string; headers: Record<string, string> }>(other, 'POST', `/v1/attachments/${hash}/links`, {
      method: 'GET',
    })
    expect(await (await fetch(link.url, { headers: link.headers })).text()).toBe(bytes.toString())
    const reply = await fetch(`${other.url}/v1/export`, { headers: { authorization: `Bearer ${token}` } })
    expect((await reply.text()).trimEnd().split('\n').at(-1)).toBe('{"type":"end","conversations":1,"messages":2,"attachments":1}')
  })

  test('a program streams with a key, by the official client, and what all used is shown to the admin', async () => {
    const { secret } = await call<{ secret: string }>(one, 'POST', '/v1/account/api-keys', {
      name: 'A script',
      scopes: ['inference'],
      expiresAt: null,
    })
    const client = new OpenAI({ baseURL: `${other.url}/v1`, apiKey: secret, maxRetries: 0 })
    const messages = [{ role: 'user' as const, content: 'What is Fusion?' }]
    let text = ''
    for await (const chunk of await client.chat.completions.create({ model: VLLM_MODEL, messages, max_tokens: 20, stream: true }))
      text += chunk.choices[0]?.delta.content ?? ''
    expect(text).not.toBe('')
    await expect
      .poll(async () => (await call<{ totals: { requests: number } }>(one, 'GET', '/v1/admin/usage')).totals.requests, { timeout: 10_000 })
      .toBe(3)
  })

  test('a session that ends at one server has ended at the other with the next request', async () => {
    await call(one, 'DELETE', '/v1/account/sessions')
    expect((await fetch(`${other.url}/v1/account`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401)
  })
})
