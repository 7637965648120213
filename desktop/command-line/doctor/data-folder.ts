import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { failure } from '@fusion/shared/contract/failures.ts'
import { readEngineFile } from '../../engine/engine-file.ts'
import { isFolderHeld } from '../../engine/storage/lock.ts'
import type { FileCheck } from '../../engine/storage/check-file.ts'
import { runBackground } from '../../engine/storage/run-background.ts'
import { size } from '../in-words.ts'
import { type Finding, type Look, type Problem, problemOf } from './finding.ts'

/** Under this, a model, a KV state or a few chats more fill the disk. */
const LITTLE_BYTES = 500e6

/** The folder itself, whether it can be written to and by whom, and the database in it. */
export async function lookAtDataFolder(look: Look): Promise<Finding> {
  const { home } = look.config
  const finding: Finding = { name: 'dataFolder', title: 'Data folder', facts: [['Place', home]], problems: [] }
  const { facts, problems } = finding
  const there = existsSync(home)
  // The nearest folder that is there is the one that it would be made in.
  const place = nearestFolder(home)
  if (!statSync(place).isDirectory()) problems.push(problemOf(failure('data-folder-unusable', { folder: home })))
  else if (!mayWrite(place)) problems.push(problemOf(failure(there ? 'data-folder-read-only' : 'data-folder-unusable', { folder: home })))
  const { bavail, bsize } = await statfs(place)
  facts.push(['Free space', size(bavail * bsize)])
  if (bavail * bsize < LITTLE_BYTES) {
    problems.push({
      what: `There is little room on the disk of ${home}: ${size(bavail * bsize)}.`,
      next: 'Make room, or move the folder and name it in FUSION_HOME.',
    })
  }
  if (!there) {
    facts.push(['State', 'not there yet: the first start makes it'])
    return finding
  }
  if (problems.length > 0) return finding
  facts.push(['Rights', rightsOf(home, problems)])
  facts.push(['Used by', holderOf(home)])
  facts.push(['Database', await databaseOf(look, problems)])
  return finding
}

function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path))
}

function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Windows has other rights, which this number does not tell. */
function rightsOf(home: string, problems: Problem[]): string {
  const mode = statSync(home).mode & 0o777
  if (process.platform === 'win32') return 'as its folder has them'
  if (mode & 0o022) {
    problems.push({
      what: `Others on this computer may write to ${home}.`,
      next: `Take that right from them: chmod go-w ${JSON.stringify(home)}`,
    })
    return 'others may write to it'
  }
  return mode & 0o055 ? 'others may see the names of its files; your chats are readable for you alone' : 'for you alone'
}

function holderOf(home: string): string {
  if (!isFolderHeld(home)) return 'nobody now'
  const file = readEngineFile(home)
  if (!file) return 'Fusion'
  const names = { serve: 'fusion serve', window: "Fusion's window", command: 'another fusion command' }
  const port = file.door && 'port' in file.door ? `, on port ${file.door.port}` : ''
  return `${names[file.holder]} (process ${file.pid}${port})`
}

async function databaseOf({ config: { home }, quick, tools }: Look, problems: Problem[]): Promise<string> {
  const file = join(home, 'fusion.db')
  if (!existsSync(file)) return 'not there yet'
  const bytes = size(statSync(file).size)
  if (quick) return `${bytes}, not read`
  tools.terminal.progress('Checking the database …')
  try {
    const check = (await runBackground({ task: 'check', file }, tools.signal)) as FileCheck
    if (check.sound) return `${bytes}, sound`
    problems.push(problemOf(failure('database-needs-repair')))
    return `${bytes}, damaged`
  } catch (error) {
    tools.signal.throwIfAborted()
    problems.push({
      what: 'The database could not be read.',
      next: `Check that ${file} is readable for you, then start Fusion: it repairs what it can.`,
    })
    return `${bytes}, not readable`
  } finally {
    tools.terminal.progress(undefined)
  }
}
