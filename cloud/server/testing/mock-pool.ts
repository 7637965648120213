import type { Environment } from '@fusion/shared/configuration/read-settings.ts'
import { type MockVllm, type MockVllmOptions, startMockVllm } from '../../testing/mock-vllm.ts'
import { startTestCloud, type TestCloud } from './test-cloud.ts'

export interface MockPool {
  mocks: MockVllm[]
  cloud: TestCloud
  /** Of a person. */
  token: string
  /** Asks as a program does. */
  post(path: string, body: object, signal?: AbortSignal): Promise<Response>
  close(): Promise<void>
}

/** A cloud with so many mock servers, each with these options, or with those for its number. */
export async function startMockPool({
  servers,
  options = () => ({}),
  slots,
  env = {},
}: {
  servers: number
  options?: (server: number) => MockVllmOptions
  slots?: number
  env?: Environment
}): Promise<MockPool> {
  const mocks = await Promise.all(Array.from({ length: servers }, (_, index) => startMockVllm(options(index))))
  const addresses = mocks.map(({ url }) => ({ url, ...(slots !== undefined && { slots }) }))
  const cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify(addresses), ...env } })
  await cloud.parts.models.looked
  const token = await cloud.signIn()
  return {
    mocks,
    cloud,
    token,
    post: (path, body, signal) =>
      fetch(cloud.url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        ...(signal && { signal }),
      }),
    async close() {
      await cloud.close()
      for (const mock of mocks) await mock.close()
    },
  }
}
