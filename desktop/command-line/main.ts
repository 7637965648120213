// `fusion`: what is written after it is a command with options. Gives 0 when it is done, 1 when it failed, 2 when it was written wrongly.
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { WrongSetting } from '@fusion/shared/configuration/read-settings.ts'
import { installedVersion } from '../engine/installed.ts'
import { framesOf, reasonOf } from '../engine/log-error.ts'
import { readArguments, WrongUse } from './arguments.ts'
import type { Command, Tools } from './command.ts'
import { commands } from './commands.ts'
import { wantsPlain } from './config.ts'
import { inWords } from './failure-words.ts'
import { help, unknownCommand } from './help.ts'
import { watchSignals } from './stop.ts'
import { createTerminal } from './terminal.ts'

const terminal = createTerminal({ input: process.stdin, output: process.stdout, errors: process.stderr }, wantsPlain())
const stop = watchSignals()
const tools: Tools = { terminal, stop, signal: AbortSignal.any([stop.signal, terminal.closed]) }

async function run(args: string[]): Promise<number | void> {
  const [first, second] = args
  if (first === undefined || first === '--help' || first === '-h') return help([], commands, terminal)
  if (first === '--version' || first === '-v') return terminal.print(installedVersion())
  if (first.startsWith('-')) throw new WrongUse(`There is no option ${first} here. It stands after a command.`)
  const { command, rest } = commandOf(args)
  if (rest.includes('--help') || rest.includes('-h')) return help([command.name], commands, terminal)
  hint = command.name
  return command.run(readArguments(rest, command.options), tools)

  /** `models` alone lists them. */
  function commandOf(args: string[]): { command: Command; rest: string[] } {
    const two = commands.find(({ name }) => name === `${first} ${second}`)
    if (two) return { command: two, rest: args.slice(2) }
    const alone = second === undefined || second.startsWith('-')
    const one = commands.find(({ name }) => name === first || (alone && name === `${first} list`))
    if (one) return { command: one, rest: args.slice(1) }
    throw unknownCommand(args, commands)
  }
}

/** Which help is named where something was written wrongly. */
let hint: string | undefined

function failed(error: unknown): number {
  // Stopped, or a pipe was closed: whoever closed it has what was wanted.
  if (tools.signal.aborted) return 0
  if (error instanceof WrongUse) {
    terminal.say(`${error.message} See fusion help${hint ? ` ${hint}` : ''}.`)
    return 2
  }
  if (error instanceof WrongSetting) terminal.say(error.message)
  else if (error instanceof Failure) terminal.say(inWords(error))
  else {
    // Of a fault of ours, where it happened; never its message, which may quote what was asked.
    terminal.say(`${inWords(error)} (${[reasonOf(error), framesOf(error)[0]].filter(Boolean).join(' ')})`)
  }
  return 1
}

const code = await run(process.argv.slice(2)).then(code => code ?? 0, failed)
terminal.progress(undefined)
const lost = terminal.lost()
if (lost) terminal.say(inWords(lost))
process.exit(stop.code() || (lost ? 1 : code))
