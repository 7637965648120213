import { join } from 'node:path'
import { type Headless, startHeadless } from '../engine/testing/headless.ts'

/** The second model of the tests: the guide before quantization. */
export const otherModel = join(import.meta.dirname, '../../models/guide/testing/guide-f16.gguf')

/** Starts the real engine on a data folder. */
export const startEngine = (home: string, port = 0): Promise<Headless> =>
  startHeadless(home, { env: { FUSION_PORT: String(port), FUSION_LOG: 'warn' } })
