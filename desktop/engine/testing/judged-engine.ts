import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import * as z from 'zod'
import { type Headless, startHeadless } from './headless.ts'
import { ENVIRONMENT_KEY, GUIDE } from './test-api.ts'

export { ENVIRONMENT_KEY, GUIDE } from './test-api.ts'

/** What the guide answers to this at temperature 0. */
export const QUESTION = 'How do I delete a chat?'
export const ANSWER = 'Open the menu of the chat and choose Delete. You can undo it at once. After that it is really removed from the disk.'

/** A real engine in a process of its own for the tests of a file, and where clients that nobody here wrote find it. */
export interface JudgedEngine {
  readonly baseURL: string
  /** A number of `/metrics`, of the guide: `num_requests_running`. */
  metric(name: string, labels?: string): Promise<number>
}

export function judgedEngine(): JudgedEngine {
  const home = mkdtempSync(join(tmpdir(), 'fusion-judges-'))
  let engine: Headless
  beforeAll(async () => {
    engine = await startHeadless(home, { env: { FUSION_API_KEY: ENVIRONMENT_KEY } })
  })
  afterAll(async () => {
    await engine.end()
    rmSync(home, { recursive: true, force: true })
  })
  const origin = () => `http://127.0.0.1:${engine.port}`
  return {
    get baseURL() {
      return `${origin()}/v1`
    },
    async metric(name, labels = '') {
      const response = await fetch(`${origin()}/metrics`, { headers: { authorization: `Bearer ${ENVIRONMENT_KEY}` } })
      const line = `vllm:${name}{model_name="${GUIDE}"${labels}} `
      const found = (await response.text()).split('\n').find(text => text.startsWith(line))
      return Number(found?.slice(line.length) ?? 0)
    },
  }
}

/** A form for answers in which even a model that is good for nothing comes to an end; every part of JSON is in it. */
export const Place = z.object({
  city: z.enum(['Graz', 'Wien']),
  open: z.boolean(),
  tags: z.array(z.enum(['red', 'blue'])).max(2),
  note: z.string().max(10).nullable(),
  count: z.number().int().min(1).max(9),
})

/** What a tool of the judges' is called with: so narrow that any model keeps to it. */
export const Asked = z.object({ city: z.enum(['Graz', 'Wien']), days: z.number().int().min(1).max(9) })
