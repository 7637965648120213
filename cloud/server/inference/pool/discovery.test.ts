import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { MOCK_MODEL, startMockVllm } from '../../../testing/mock-vllm.ts'
import { startTestCloud } from '../../testing/test-cloud.ts'
import { discoverServers, type DiscoveryOptions, kubernetesOf, type ServerEntry } from './discovery.ts'

const opened: { close(): void }[] = []
afterEach(() => {
  for (const one of opened.splice(0)) one.close()
})

function discover(entries: ServerEntry[], options: Partial<DiscoveryOptions>) {
  const told: string[][] = []
  const troubles: string[] = []
  const discovery = discoverServers(entries, {
    onChange: servers => void told.push(servers.map(({ url }) => url)),
    onTrouble: what => void troubles.push(what),
    everyMs: 20,
    ...options,
  })
  opened.push(discovery)
  return { told, troubles, found: discovery.found }
}

test('servers that are named stand as they are, and nobody is looked up', async () => {
  const { told, found } = discover([{ url: 'http://10.0.0.1:8000', slots: 4 }], { resolve: () => Promise.reject(new Error('asked')) })
  await found
  expect(told).toEqual([['http://10.0.0.1:8000']])
})

test('each address of a name is a server; a name that can not be looked up keeps what it had', async () => {
  let addresses: string[] | undefined = ['10.0.0.2', '10.0.0.1', 'fd00::1']
  const resolve = async () => {
    if (!addresses) throw new Error('SERVFAIL')
    return addresses
  }
  const { told, troubles, found } = discover(
    [{ url: 'http://vllm.models:8000/base', apiKey: 'k', discover: 'dns' }, { url: 'http://10.9.9.9:1' }],
    { resolve },
  )
  await found
  expect(told).toEqual([['http://10.0.0.1:8000/base', 'http://10.0.0.2:8000/base', 'http://[fd00::1]:8000/base', 'http://10.9.9.9:1']])
  addresses = undefined
  await expect.poll(() => troubles).toEqual(['vllm.models:8000'])
  expect(told).toHaveLength(1)
  addresses = ['10.0.0.3']
  await expect.poll(() => told.at(-1)).toEqual(['http://10.0.0.3:8000/base', 'http://10.9.9.9:1'])
})

test('ready endpoints of a Kubernetes service are servers, those that end are none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fusion-kubernetes-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'token'), 'a-token\n')
  const asked: string[] = []
  let items: object[] = [
    {
      endpoints: [
        { addresses: ['10.1.0.1'], conditions: { ready: true } },
        { addresses: ['10.1.0.2'], conditions: { ready: false } },
        { addresses: ['10.1.0.3'], conditions: { ready: true, terminating: true } },
        { addresses: ['10.1.0.4'] },
      ],
      ports: [{ name: 'http', port: 8000 }],
    },
    { endpoints: null, ports: null },
  ]
  const api = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`)
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ kind: 'EndpointSliceList', items }))
  })
  api.listen(0, '127.0.0.1')
  await once(api, 'listening')
  onTestFinished(() => void api.close())
  const kubernetes = {
    url: `http://127.0.0.1:${(api.address() as AddressInfo).port}`,
    tokenFile: join(folder, 'token'),
    caFile: join(folder, 'ca.crt'),
  }
  const { told, found } = discover([{ url: 'http://vllm.models:8000', discover: 'kubernetes' }], { kubernetes })
  await found
  expect(told).toEqual([['http://10.1.0.1:8000', 'http://10.1.0.4:8000']])
  expect(asked[0]).toBe(
    '/apis/discovery.k8s.io/v1/namespaces/models/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dvllm Bearer a-token',
  )
  items = []
  await expect.poll(() => told.at(-1)).toEqual([])
})

test('a pod finds its Kubernetes by what that sets', () => {
  expect(kubernetesOf({ kubernetesHost: null, kubernetesPort: 443 })).toBeUndefined()
  expect(kubernetesOf({ kubernetesHost: '10.0.0.1', kubernetesPort: 443 })?.url).toBe('https://10.0.0.1:443')
  expect(kubernetesOf({ kubernetesHost: 'fd00::1', kubernetesPort: 6443 })?.url).toBe('https://[fd00::1]:6443')
})

test('an answer whose server is not named any more at its end is paid for as any other', async () => {
  const mock = await startMockVllm({ shape: { stepMs: 5 } })
  onTestFinished(mock.close)
  const prices = JSON.stringify([{ model: MOCK_MODEL, promptPrice: 1, completionPrice: 1 }])
  const cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify([{ url: mock.url }]), MODELS: prices } })
  onTestFinished(cloud.close)
  await cloud.parts.models.looked
  const user = await cloud.makeUser()
  const reply = fetch(`${cloud.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await cloud.signIn(user.email)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: MOCK_MODEL, messages: [{ role: 'user', content: 'Words?' }], max_tokens: 60, ignore_eos: true }),
  })
  await expect.poll(() => mock.engine.running()).toBe(1)
  cloud.parts.models.setServers([])
  expect((await reply).status).toBe(200)
  const rows = () =>
    cloud.database.asUser(user.id, tx =>
      tx.query<{ model: string; free: boolean }>('select model, cost = 0 as free from usage where user_id = fusion_user()'),
    )
  await expect.poll(rows).toEqual([{ model: MOCK_MODEL, free: false }])
})

test('a cloud answers with the servers behind a name, those that come and without those that go', async () => {
  const mock = await startMockVllm({ shape: { stepMs: 5 } })
  onTestFinished(mock.close)
  const { port } = new URL(mock.url)
  const cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify([{ url: `http://localhost:${port}`, discover: 'dns' }]) } })
  onTestFinished(cloud.close)
  await expect.poll(() => cloud.parts.models.list().map(({ id }) => id)).toEqual([MOCK_MODEL])
  const other = await startMockVllm()
  onTestFinished(other.close)
  // In mid answer its server is not named any more: it comes to its end there, and the next one goes to the other.
  const ask = async () =>
    fetch(`${cloud.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await cloud.signIn()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: MOCK_MODEL, messages: [{ role: 'user', content: 'Words?' }], max_tokens: 60, ignore_eos: true }),
    })
  const first = ask()
  await expect.poll(() => mock.engine.running()).toBe(1)
  cloud.parts.models.setServers([{ url: other.url }])
  await cloud.parts.models.looked
  expect((await ask()).status).toBe(200)
  expect([mock.asked.length, other.asked.length]).toEqual([1, 1])
  expect((await first).status).toBe(200)
})
