import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Settings } from '@fusion/shared/contract/settings.ts'
import { startHttpServer } from '../http/server.ts'
import { createLog } from '../log.ts'
import type { InferenceProgram } from '../models/program.ts'
import { testModels, type TestModels } from '../models/testing/models.ts'
import { type Api, createApi } from '../api/api.ts'

export const GUIDE = 'guide-q4_k_m'
export const ENVIRONMENT_KEY = 'a-key-of-the-environment'

export interface Told {
  status: number
  headers: IncomingHttpHeaders
  /** Parsed where it is JSON. */
  body: unknown
}

export interface Asked {
  method?: string
  headers?: Record<string, string>
  /** A text goes as it is, anything else as JSON. */
  body?: unknown
}

/** An answer that is being streamed. */
export interface Streamed {
  response: IncomingMessage
  /** The data of each event, parsed; "[DONE]" as it is. */
  events: AsyncGenerator<unknown, void, void>
  /** As a client that goes away. */
  leave(): void
}

export interface TestApi extends TestModels {
  api: Api
  port: number
  /** Every line that the API and its server logged. */
  logged: string[]
  /** By node:http, which sends the path and every header just as told. With a good key, unless `headers` have another. */
  ask(path: string, asked?: Asked): Promise<Told>
  /** Resolves with the first headers of the answer. */
  stream(path: string, body: object): Promise<Streamed>
  /** Resolves when the state is as wished; looked at after each of its changes. */
  until(wished: (state: ReturnType<Api['state']>) => boolean): Promise<void>
}

/** The API with real models, a real database and a real server. */
export async function testApi({
  requestMs,
  settings = {},
  ...options
}: {
  folder?: string
  bundledFolder?: string
  program?: InferenceProgram
  requestMs?: number
  settings?: Partial<Settings>
} = {}): Promise<TestApi> {
  const test = testModels(options)
  const { models, storage } = test
  Object.assign(test.settings, settings)
  const logged: string[] = []
  const log = createLog({ level: 'debug', write: line => void logged.push(line) })
  const api = createApi({
    models,
    modelsKnown: models.scan(),
    keys: storage.apiKeys,
    settings: () => test.settings,
    log,
    environmentKey: ENVIRONMENT_KEY,
  })
  const server = await startHttpServer({ port: 0, page: join(test.folder, 'no-page'), log, onPort: () => {}, api, requestMs })
  onTestFinished(() => server.close())

  function send(path: string, { method, headers = {}, body }: Asked): Promise<IncomingMessage> {
    const request = httpRequest({
      host: '127.0.0.1',
      port: server.port,
      path,
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        authorization: `Bearer ${ENVIRONMENT_KEY}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      agent: false,
    })
    request.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body))
    const responded = once(request, 'response').then(([response]) => response as IncomingMessage)
    // What is said after the answer is there (that its connection is gone) is heard by whoever reads it.
    request.on('error', () => {})
    return responded
  }

  return {
    ...test,
    api,
    port: server.port,
    logged,
    async ask(path, asked = {}) {
      const response = await send(path, asked)
      const text = await textOf(response)
      const isJson = response.headers['content-type'] === 'application/json'
      return { status: response.statusCode ?? 0, headers: response.headers, body: isJson ? JSON.parse(text) : text }
    },
    async stream(path, body) {
      const response = await send(path, { body: { ...body, stream: true } })
      onTestFinished(() => void response.destroy())
      return { response, events: eventsOf(response), leave: () => void response.destroy() }
    },
    until(wished) {
      return new Promise(resolve => {
        const check = () => {
          if (!wished(api.state())) return
          unwatch()
          resolve()
        }
        const unwatch = api.watch(check)
        check()
      })
    },
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return text
}

async function* eventsOf(response: IncomingMessage): AsyncGenerator<unknown, void, void> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    text += chunk
    const events = text.split('\n\n')
    text = events.pop()!
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1]
      if (data !== undefined) yield data === '[DONE]' ? data : JSON.parse(data)
    }
  }
}

/** A question in the form of chat completions. */
export const question = (content = 'How do I delete a chat?', more: object = {}) => ({
  model: GUIDE,
  messages: [{ role: 'user', content }],
  temperature: 0,
  ...more,
})

/** All that a stream of chat completions said, and its last event. */
export async function readAll({ events }: Streamed): Promise<{ text: string; last: unknown }> {
  let text = ''
  let last: unknown
  for await (const event of events) {
    last = event
    text += (event as { choices?: { delta: { content?: string } }[] }).choices?.[0]?.delta.content ?? ''
  }
  return { text, last }
}
