import type { Given, Options } from './arguments.ts'
import type { Stop } from './stop.ts'
import type { Terminal } from './terminal.ts'

/** What every command works with. */
export interface Tools {
  terminal: Terminal
  stop: Stop
  /** Aborts when the command is to end: the person stopped it, or nobody reads what it prints. */
  signal: AbortSignal
}

export interface Command {
  /** One or two words: `chat`, `models list`. */
  name: string
  /** What stands after the name in its usage line. */
  usage: string
  /** In one line, for the list of commands. */
  about: string
  /** More about it, a line each. */
  details?: string[]
  options: Options
  /** Each with what it does. */
  examples?: [command: string, about: string][]
  /** Gives the exit code; 0 where it gives none. Loads what it needs only now, so that help is there at once. */
  run(given: Given, tools: Tools): Promise<number | void>
}
