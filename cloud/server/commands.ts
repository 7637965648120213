// What `npm run cloud -- …` does besides starting: for whoever runs this cloud.
import { backupCommands } from './backup/commands.ts'
import { type Command, WrongUse } from './command.ts'
import type { Config } from './config.ts'
import { weightsCommands } from './weights/commands.ts'

const commands: Record<string, Command> = { ...backupCommands, ...weightsCommands }

/** Does what the words say; gives the exit code. Throws what the command throws. */
export async function runCommand([name = '', ...words]: readonly string[], config: Config): Promise<number> {
  const command = commands[name]
  try {
    if (command) {
      await command.run(words, config)
      return 0
    }
  } catch (error) {
    if (!(error instanceof WrongUse)) throw error
    process.stderr.write(`${error.message}\n`)
  }
  const asked = ['help', '--help', '-h'].includes(name)
  const usage = Object.values(command ? { command } : commands).map(one => `  npm run cloud -- ${one.usage}\n      ${one.about}\n`)
  ;(asked ? process.stdout : process.stderr).write(`${command || asked ? '' : `There is no command "${name}".\n`}${usage.join('')}`)
  return asked ? 0 : 1
}
