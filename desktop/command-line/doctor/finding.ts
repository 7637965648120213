import { sentence } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { Config } from '../../engine/config.ts'
import type { Tools } from '../command.ts'

/** What is wrong, and what to do: a sentence each. */
export interface Problem {
  what: string
  next: string
}

export interface Finding {
  /** For programs. */
  name: string
  title: string
  facts: [name: string, value: string][]
  problems: Problem[]
}

export interface Look {
  config: Config
  /** Files are not read whole. */
  quick: boolean
  tools: Tools
}

/** What a failure says of itself. */
export const problemOf = (error: unknown): Problem => sentence(Failure.toBody(error))
