// A real Redis for a test, which may stop it, kill it and start it again. Where there is none (Debian: apt-get install redis-server) the
// tests that need it are skipped.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { freePort } from '../../../database/free-port.ts'

const run = promisify(execFile)
const program = (name: string) => ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'].map(folder => join(folder, name)).find(existsSync)
const server = program('redis-server')
const commandLine = program('redis-cli')

/** In CI `npm test` has installed it: there a missing one is a failure. */
export const skipWithoutRedis = !(server && commandLine) && !process.env['CI']

export interface TestRedis {
  url: string
  port: number
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
  kill(): Promise<void>
  /** Again on the same port, with nothing in it. */
  start(): Promise<void>
  close(): Promise<void>
}

export async function startRedis({ cluster = false } = {}): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'fusion-redis-'))
  const port = await (cluster ? clusterPort() : freePort())
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no']
  const ofCluster = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--cluster-config-file', 'nodes.conf']
  let child: ChildProcess

  async function start(): Promise<void> {
    child = spawn(server!, [...options, ...(cluster ? ofCluster : [])], { stdio: 'ignore' })
    const client = new Redis({ port, host: '127.0.0.1', protocol: 2, disableClientInfo: true, retryStrategy: () => 20 })
    client.on('error', () => {})
    await client.ping()
    client.disconnect()
  }
  async function kill(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    signal: name => void child.kill(name),
    kill,
    start,
    async close() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export interface TestCluster {
  url: string
  nodes: TestRedis[]
  close(): Promise<void>
}

/** Three masters, without replicas. */
export async function startCluster(): Promise<TestCluster> {
  const nodes: TestRedis[] = []
  for (let index = 0; index < 3; index++) nodes.push(await startRedis({ cluster: true }))
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
  await run(commandLine!, ['--cluster', 'create', ...addresses, '--cluster-yes'])
  await Promise.all(nodes.map(served))
  return {
    url: nodes.map(({ url }) => url).join(','),
    nodes,
    async close() {
      await Promise.all(nodes.map(node => node.close()))
    },
  }
}

/** `redis-cli` waits until the nodes know each other; each refuses what it is asked for up to 2 s more, until it counts the Cluster as whole. */
async function served({ port }: TestRedis): Promise<void> {
  for (;;) {
    const { stdout } = await run(commandLine!, ['-p', String(port), 'cluster', 'info'])
    if (stdout.includes('cluster_state:ok') && stdout.includes('cluster_slots_ok:16384')) return
    await delay(50)
  }
}

/** Nodes talk to each other 10,000 above their port. */
async function clusterPort(): Promise<number> {
  const port = await freePort()
  return port < 22_000 ? port : clusterPort()
}
