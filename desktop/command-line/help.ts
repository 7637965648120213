import { WrongUse } from './arguments.ts'
import type { Command } from './command.ts'
import { nearest } from './nearest.ts'
import { table } from './table.ts'
import { bold, dim, type Terminal } from './terminal.ts'

/** Of all commands, of those that begin with a word (`models`), or of one. */
export async function help(words: string[], commands: readonly Command[], terminal: Terminal): Promise<void> {
  const wanted = words.join(' ')
  const found = commands.filter(({ name }) => name === wanted || name.startsWith(`${wanted} `))
  if (wanted === '') return all(commands, terminal)
  if (found.length === 0) throw unknownCommand(words, commands)
  for (const [index, command] of found.entries()) {
    if (index > 0) await terminal.print('')
    await one(command, terminal)
  }
}

async function all(commands: readonly Command[], terminal: Terminal): Promise<void> {
  await terminal.print(bold('fusion'), ' talks with models on this computer, without a window.')
  await terminal.print('')
  for (const [name, about] of table(commands.map(({ name, about }) => [`  fusion ${name}`, about])))
    await terminal.print(bold(name!), about!)
  await terminal.print('')
  await terminal.print('  ', bold('fusion help COMMAND'), ' says more of one; ', bold('fusion --version'), ' which version this is.')
  await terminal.print('')
  await terminal.print(
    dim('They use the Fusion that runs on your data folder (FUSION_HOME), or open it themselves for as long as they work.'),
  )
  await terminal.print(
    dim('Exit codes: 0 done, 1 failed, 2 used wrongly, 130 stopped by Ctrl-C. NO_COLOR=1 takes colour and progress away.'),
  )
}

async function one({ name, usage, about, details = [], options, examples = [] }: Command, terminal: Terminal): Promise<void> {
  await terminal.print(bold(`fusion ${name}`), usage === '' ? '' : ` ${usage}`)
  await terminal.print(`  ${about}`)
  if (details.length > 0) await terminal.print('')
  for (const detail of details) await terminal.print(`  ${detail}`)
  const rows = Object.entries(options).map(([option, { value, short, about }]) => {
    const names = `${short ? `-${short}, ` : ''}--${option}`
    return [`  ${value ? `${names} ${value}` : names}`, about]
  })
  if (rows.length > 0) await terminal.print('')
  for (const [option, about] of table(rows)) await terminal.print(bold(option!), about!)
  if (examples.length > 0) await terminal.print('')
  for (const [command, about] of examples) await terminal.print(`  $ ${command}`, about === '' ? '' : dim(`   ${about}`))
}

/** One sentence with the command that was probably meant. */
export function unknownCommand(words: string[], commands: readonly Command[]): WrongUse {
  const names = commands.map(({ name }) => name)
  const [first = '', second] = words
  const begins = names.filter(name => name.startsWith(`${first} `))
  const written = begins.length > 0 && second !== undefined ? `${first} ${second}` : first
  const meant = nearest(written, begins.length > 0 ? begins : [...new Set(names.flatMap(name => [name, name.split(' ')[0]!]))])
  return new WrongUse(`There is no command ${JSON.stringify(written)}.${meant ? ` Did you mean fusion ${meant}?` : ''}`)
}
