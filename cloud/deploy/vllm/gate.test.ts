// The gate of compose.yml, as a real NGINX with a server behind it that answers everything, as vLLM with the routes of sleep does.
import { readFile } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Gate, skipWithoutNginx, startGate } from './testing/gate.ts'

const KEY = 'Key-of_the-server1'

describe.skipIf(skipWithoutNginx)('the gate', () => {
  let gate: Gate
  let server: Server
  let seen: string[] = []
  let left: Promise<void>
  beforeAll(async () => {
    let hasLeft: () => void
    left = new Promise(resolve => (hasLeft = resolve))
    server = createServer((asked, reply) => {
      seen.push(`${asked.method} ${asked.url}`)
      if (asked.headers['x-stream'] === undefined) return void reply.end('answered')
      reply.write('data: one\n\n')
      reply.once('close', () => hasLeft())
    })
    const behind = await new Promise<number>(resolve => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
    })
    gate = await startGate({ serverPort: behind, key: KEY })
  })
  beforeEach(() => (seen = []))
  afterAll(async () => {
    await gate.close()
    server.closeAllConnections()
    server.close()
  })

  /** By hand, since fetch tidies paths up. */
  function ask(line: string, headers: Record<string, string> = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      const socket = connect(gate.port, '127.0.0.1', () => {
        const lines = [
          line,
          'host: gate',
          'connection: close',
          'content-length: 0',
          ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
        ]
        socket.write(`${lines.join('\r\n')}\r\n\r\n`)
      })
      let told = ''
      socket.setEncoding('latin1').on('data', (text: string) => (told += text))
      socket.once('error', reject).once('close', () => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(told)?.[1])))
    })
  }
  const withKey = { authorization: `Bearer ${KEY}` }

  const forTheCloud = [
    'GET /v1/models',
    'GET /metrics',
    'POST /v1/chat/completions',
    'POST /v1/completions',
    'POST /v1/responses',
    'POST /v1/embeddings',
    'POST /tokenize',
    'POST /detokenize',
  ]

  test('lets through what the cloud asks for, with the key alone', async () => {
    for (const line of forTheCloud) {
      expect([line, await ask(`${line} HTTP/1.1`, withKey)]).toEqual([line, 200])
      expect([line, await ask(`${line} HTTP/1.1`)]).toEqual([line, 401])
      for (const wrong of [KEY, `Bearer ${KEY}x`, `Bearer x${KEY}`, `Bearer ${KEY.toUpperCase()}`, `bearer`])
        expect([line, await ask(`${line} HTTP/1.1`, { authorization: wrong })]).toEqual([line, 401])
    }
    expect(seen).toEqual(forTheCloud)
    expect(await ask('GET /health HTTP/1.1')).toBe(200)
  })

  test('passes nothing else on, with the key or without, however it is written', async () => {
    const routes = ['sleep', 'sleep?level=1', 'wake_up', 'is_sleeping', 'collective_rpc', 'release_kv_cache_memory', 'reset_prefix_cache']
    routes.push(
      'server_info',
      'invocations',
      'update_weights',
      'pause',
      'resume',
      'v1/load_lora_adapter',
      'v1/messages',
      'docs',
      'release_memory',
      '',
    )
    const paths = routes.map(route => `/${route}`)
    paths.push(
      '//sleep',
      '/./sleep',
      '/v1/../sleep',
      '/v1/models/../../sleep',
      '/%73leep',
      '/SLEEP',
      '/sleep/',
      '/tokenize/../sleep',
      '/v1//../sleep',
    )
    paths.push(
      '/tokenize%0a',
      '/tokenize%00',
      '/tokenize/',
      '/tokenize%2f..%2fsleep',
      '/V1/models',
      '/v1/models/x',
      '/metrics/',
      '/health/',
      '/health%3f',
    )
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'PUT', 'OPTIONS', 'HEAD'])
        for (const headers of [{}, withKey]) {
          const status = await ask(`${method} ${path} HTTP/1.1`, headers)
          expect([method, path, [400, 404, 405].includes(status)]).toEqual([method, path, true])
        }
    }
    for (const line of ['POST /v1/models', 'GET /tokenize', 'DELETE /v1/completions', 'POST /health'])
      expect([line, await ask(`${line} HTTP/1.1`, withKey)]).toEqual([line, 404])
    expect(seen).toEqual([])
  })

  test('lets the cloud put the server to sleep where that was said, with the key alone, and still nothing else', async () => {
    const sleepy = await startGate({ serverPort: (server.address() as AddressInfo).port, key: KEY, sleeps: true })
    const asked = async (method: string, path: string, headers: Record<string, string>) =>
      (await fetch(`http://127.0.0.1:${sleepy.port}${path}`, { method, headers })).status
    for (const [method, path] of [
      ['POST', '/sleep?level=1'],
      ['POST', '/wake_up'],
      ['GET', '/is_sleeping'],
    ] as const)
      expect([path, await asked(method, path, withKey), await asked(method, path, {})]).toEqual([path, 200, 401])
    for (const path of ['/collective_rpc', '/sleep/', '/reset_prefix_cache', '/server_info'])
      expect(await asked('POST', path, withKey)).toBe(404)
    await sleepy.close()
  })

  test('what is written in a roundabout way reaches the server as the path that was looked at', async () => {
    expect(await ask('POST /sleep/../tokenize HTTP/1.1', withKey)).toBe(200)
    expect(await ask('POST //v1/./completions?sleep HTTP/1.1', withKey)).toBe(200)
    expect(seen).toEqual(['POST /tokenize', 'POST /v1/completions'])
  })

  test('a token is passed on as it comes, and a client that leaves is told to the server', async () => {
    await new Promise<void>((resolve, reject) => {
      const asked = request(
        { port: gate.port, host: '127.0.0.1', method: 'POST', path: '/v1/chat/completions', headers: { ...withKey, 'x-stream': '1' } },
        reply => {
          reply.once('error', () => undefined)
          reply.once('data', (piece: Buffer) => {
            expect(piece.toString()).toBe('data: one\n\n')
            asked.destroy()
            resolve()
          })
        },
      )
      asked.once('error', reject).end()
    })
    await left
  })
})

describe('compose.yml', () => {
  test('publishes no port of a server, only those of gates and of the figures of GPUs', async () => {
    const services = await servicesOf()
    const published = Object.entries(services).filter(([, text]) => text.includes('ports:'))
    expect(published.map(([name]) => name)).toEqual(['first-gate', 'second-gate', 'dcgm-exporter', 'tensorrt-llm-gate'])
    for (const [, text] of published) expect(text).toContain("ports: ['${ADDRESS:-127.0.0.1}:")
  })

  test('puts every model server behind a gate of its own', async () => {
    const services = await servicesOf()
    for (const name of ['first', 'second', 'tensorrt-llm']) {
      expect(services[name]).toContain(`network_mode: service:${name}-gate\n`)
      expect(services[`${name}-gate`]).toContain('<<: *gate\n')
    }
    expect(services['tensorrt-llm']).toContain("'--host', '127.0.0.1'")
  })

  test('is started by serve.py, of the vLLM that the settings were checked with', async () => {
    const text = await compose()
    const { checkedWith } = JSON.parse(await readFile(join(import.meta.dirname, 'settings.json'), 'utf8')) as { checkedWith: string }
    expect(text).toContain(`image: vllm/vllm-openai:v${checkedWith.replace('vLLM ', '')}\n`)
    expect(text).not.toMatch(/VLLM_SERVER_DEV_MODE|--api-key|:latest/)
  })

  const compose = () => readFile(join(import.meta.dirname, 'compose.yml'), 'utf8')
  /** By name, the lines of each. */
  async function servicesOf(): Promise<Record<string, string>> {
    const [, text = ''] = (await compose()).split('\nservices:\n')
    return Object.fromEntries([...text.matchAll(/^ {2}([\w-]+):\n((?: {4}.*\n)+)/gm)].map(([, name, lines]) => [name!, lines!]))
  }
})
