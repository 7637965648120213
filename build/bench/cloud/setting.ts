import type { ScriptedServer } from '../../../cloud/server/testing/scripted-server.ts'
import type { Writer } from '../../../cloud/database/testing/filled-history.ts'
import type { Program } from './program.ts'

/** The cloud with a history in it, and the bare server on the same database. */
export interface CloudSetting {
  quick: boolean
  cloud: Program
  url: string
  bare: Program
  /** Its answers never end by themselves. */
  models: ScriptedServer
  /** People with a conversation each, signed in. */
  writers: (Writer & { accessToken: string })[]
}
