// Debian's own Postgres, with a database as docs/cloud.md has an operator make one: its owner is no superuser.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { freePort } from '../free-port.ts'
import { asUnprivileged, unprivilegedUser } from '../unprivileged.ts'

const ROOT = '/usr/lib/postgresql'

/** Where its programs are; undefined where it is not installed. */
const programs = (): string | undefined =>
  existsSync(ROOT)
    ? readdirSync(ROOT)
        .map(version => join(ROOT, version, 'bin'))
        .findLast(folder => existsSync(join(folder, 'initdb')))
    : undefined

export const debianPostgresIsHere = (): boolean => programs() !== undefined

export async function startDebianPostgres(): Promise<{ url: string; close(): Promise<void> }> {
  const bin = programs()!
  const folder = mkdtempSync(join(tmpdir(), 'fusion-debian-postgres-'))
  const user = unprivilegedUser()
  if (user) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const make = asUnprivileged(user, join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '--auth', 'trust', '-E', 'UTF8'], [folder])
  const made = spawnSync(...make)
  if (made.status !== 0) throw new Error(String(made.stderr))
  const port = await freePort()
  const options = ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=']
  const [program, args, how] = asUnprivileged(user, join(bin, 'postgres'), options, [folder])
  const child: ChildProcess = spawn(program, args, { ...how, stdio: ['ignore', 'ignore', 'pipe'] })
  for (let words = ''; !words.includes('ready to accept connections');) words += String((await once(child.stderr!, 'data'))[0])
  child.stderr!.resume()
  const operator = new Client({ connectionString: `postgres://postgres@127.0.0.1:${port}/postgres` })
  await operator.connect()
  await operator.query(`create role fusion login createrole password 'a password'`)
  await operator.query('create database fusion owner fusion')
  await operator.end()
  return {
    url: `postgres://fusion:a%20password@127.0.0.1:${port}/fusion`,
    async close() {
      const ended = once(child, 'exit')
      child.kill('SIGINT')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
