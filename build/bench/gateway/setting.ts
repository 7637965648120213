import type { LoadOrder, LoadResult } from '../../../cloud/server/testing/stream-load.ts'
import type { Program } from '../cloud/program.ts'
import type { ModelCount } from './models.ts'
import type { Other } from './programs.ts'

/** One model server, who asks, and the gateways between them, each in a process of its own. */
export interface GatewaySetting {
  quick: boolean
  /** For files of one run. */
  folder: string
  models: Program
  cloud: Program
  bare: Program
  /** Undefined: there is none on this machine. */
  nginx: Other | undefined
  /** Asks whoever listens at this port, with the cloud's API key where no other is named. Throws for an answer that is wrong. */
  ask(port: number, order: Omit<LoadOrder, 'origin' | 'key'> & { key?: string }): Promise<LoadResult>
  /** What the model server wrote, by model. */
  counts(): Promise<Record<string, ModelCount>>
  /** Of the cloud's admin, for some minutes. */
  accessToken(): Promise<string>
}
