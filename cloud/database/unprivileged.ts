// Postgres refuses to run as root. Where the cloud does, its server is started as a user of the system that may do little.
import type { SpawnOptions } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

export interface SystemUser {
  uid: number
  gid: number
}

/** undefined where this process is not root. */
export function unprivilegedUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  const users = new Map(
    lines.map(line => line.split(':')).map(([name, , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }] as const),
  )
  return users.get('postgres') ?? users.get('nobody')
}

const SETPRIV = '/usr/bin/setpriv'

/**
 * How a program is started as that user. A folder that only root may enter (such as root's own home) is one that it could not reach: the one
 * right to pass there is then given along, by util-linux's setpriv.
 */
export function asUnprivileged(
  user: SystemUser | undefined,
  command: string,
  args: string[],
  folders: string[],
): [command: string, args: string[], options: SpawnOptions] {
  if (!user) return [command, args, {}]
  if (folders.every(folder => canReach(user, folder)) || !existsSync(SETPRIV)) return [command, args, { ...user }]
  const rights = ['--clear-groups', '--inh-caps=+dac_override', '--ambient-caps=+dac_override']
  return [SETPRIV, [`--reuid=${user.uid}`, `--regid=${user.gid}`, ...rights, command, ...args], {}]
}

function canReach(user: SystemUser, folder: string): boolean {
  const { mode, uid, gid } = statSync(folder)
  const mayEnter = uid === user.uid ? mode & 0o100 : gid === user.gid ? mode & 0o010 : mode & 0o001
  const parent = dirname(folder)
  return mayEnter !== 0 && (parent === folder || canReach(user, parent))
}
