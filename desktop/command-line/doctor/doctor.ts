import { type Given, WrongUse } from '../arguments.ts'
import type { Tools } from '../command.ts'
import { readConfig } from '../../engine/config.ts'
import { installedVersion } from '../../engine/installed.ts'
import { json } from '../harmless.ts'
import { count } from '../in-words.ts'
import { table } from '../table.ts'
import { bold, dim } from '../terminal.ts'
import { lookAtDataFolder } from './data-folder.ts'
import type { Finding } from './finding.ts'
import { lookAtMachine } from './machine.ts'
import { lookAtModels } from './models.ts'
import { lookAtPort } from './port.ts'

/** Looks at everything that Fusion needs, one after the other; gives 1 where something is wrong. */
export async function doctor(given: Given, tools: Tools): Promise<number> {
  if (given.words[0] !== undefined) throw new WrongUse(`Nothing is expected here: ${JSON.stringify(given.words[0])}.`)
  const { terminal } = tools
  const asJson = given.flag('json')
  const config = readConfig()
  const look = { config, quick: given.flag('quick'), tools }
  const findings: Finding[] = []
  if (!asJson) await terminal.print(bold(`Fusion ${installedVersion()}`), ` on Node ${process.versions.node}`)
  for (const part of [lookAtMachine, lookAtDataFolder, lookAtModels, lookAtPort]) {
    const finding = await part(look, findings)
    findings.push(finding)
    if (!asJson) await show(finding, tools)
  }
  const problems = findings.flatMap(finding => finding.problems)
  if (asJson) {
    const parts = Object.fromEntries(findings.map(({ name, facts }) => [name, Object.fromEntries(facts)]))
    await terminal.print(
      json({ sound: problems.length === 0, version: installedVersion(), node: process.versions.node, ...parts, problems }),
    )
    return problems.length === 0 ? 0 : 1
  }
  await terminal.print('')
  if (problems.length === 0) await terminal.print('Nothing is wrong.')
  else await terminal.print(bold(problems.length === 1 ? 'One thing is wrong:' : `${count(problems.length, 'thing')} are wrong:`))
  for (const { what, next } of problems) {
    await terminal.print(`  - ${what}`)
    await terminal.print(`    ${next}`)
  }
  return problems.length === 0 ? 0 : 1
}

async function show({ title, facts }: Finding, { terminal }: Tools): Promise<void> {
  await terminal.print('')
  await terminal.print(bold(title))
  for (const [name, value] of table(facts)) await terminal.print('  ', dim(name!), value!)
}
