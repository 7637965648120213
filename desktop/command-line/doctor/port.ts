import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { readEngineFile } from '../../engine/engine-file.ts'
import { isFolderHeld } from '../../engine/storage/lock.ts'
import type { Finding, Look } from './finding.ts'

/** Whether `fusion serve` could have its port, or who has it. */
export async function lookAtPort({ config: { port, home } }: Look): Promise<Finding> {
  const finding: Finding = { name: 'port', title: 'Port for the browser', facts: [], problems: [] }
  const tell = (state: string) => void finding.facts.push([port === 0 ? 'Port' : String(port), state])
  if (port === 0) {
    tell('picked at each start')
    return finding
  }
  const code = await tryPort(port)
  if (code === undefined) tell('free')
  else if (isServedOn(port, home)) tell('used by fusion serve')
  else if (code === 'EADDRINUSE') {
    const holder = holderOf(port)
    tell(`used by ${holder ?? 'another program'}`)
    finding.problems.push({
      what: `Port ${port} is in use by ${holder ?? 'another program'}, so "fusion serve" cannot start.`,
      next: 'End that program, or set FUSION_PORT to another port (0 picks one).',
    })
  } else {
    tell('not to be had')
    finding.problems.push({ what: `Port ${port} may not be opened by this account (${code}).`, next: 'Set FUSION_PORT to one above 1023.' })
  }
  return finding
}

/** Undefined: it is free. */
function tryPort(port: number): Promise<string | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)))
  })
}

/** Linux tells which process has a socket, at least of one's own processes: "node (process 4711)". */
function holderOf(port: number): string | undefined {
  try {
    const sockets = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(file => readFileSync(file, 'utf8').split('\n').slice(1))
    const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
    const LISTENS = '0A'
    const found = sockets
      .map(line => line.trim().split(/\s+/))
      .find(([, address, , state]) => address?.endsWith(local) && state === LISTENS)
    const inode = found?.[9]
    const pid = inode && readdirSync('/proc').find(name => /^\d+$/.test(name) && holdsSocket(name, inode))
    return pid ? `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (process ${pid})` : undefined
  } catch {
    return undefined
  }
}

function holdsSocket(pid: string, inode: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(fd => readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`)
  } catch {
    return false
  }
}

function isServedOn(port: number, home: string): boolean {
  const door = readEngineFile(home)?.door
  return Boolean(door && 'port' in door && door.port === port) && isFolderHeld(home)
}
