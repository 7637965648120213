import type { Config } from './config.ts'

/** One of the things that `npm run cloud -- …` does. */
export interface Command {
  /** As it is written after `npm run cloud --`. */
  usage: string
  about: string
  run(words: readonly string[], config: Config): Promise<void>
}

/** It was not called as it has to be. */
export class WrongUse extends Error {}
