import type { Fusion } from '../fusion.ts'
import type { LlamaServer } from '../llama-server.ts'

/** What the parts of the bench `local` have. */
export interface Setting {
  /** Fewer rounds and shorter texts: to see that all works, not to quote. */
  quick: boolean
  /** Tokens of one chat's window, on both sides. */
  contextTokens: number
  threads: number
  /** A fresh data folder with the speed model in its `models`. */
  newHome(): Promise<string>
  /** Paths of what lies in the cache; the program is undefined where it was not built. */
  speedModel: string
  stateModel: string
  rivalProgram: string | undefined
}

/** What those have besides that share one engine and one llama-server, both with the speed model loaded. */
export interface RunningSetting extends Setting {
  fusion: Fusion
  modelId: string
  /** undefined where it was not built. */
  rival: LlamaServer | undefined
}
