import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../../cloud/database/free-port.ts'
import { fillHistory } from '../../../cloud/database/testing/filled-history.ts'
import { startScriptedServer } from '../../../cloud/server/testing/scripted-server.ts'
import { profileFolder, repository } from '../config.ts'
import { cloudFlags } from '../../node-flags.mjs'
import { type Program, startProgram } from './program.ts'
import type { CloudSetting } from './setting.ts'
import { ADMIN, makeAdmin, signIn } from './sign-in.ts'

const PEOPLE = 16
const MESSAGES = 1_000

const program = join(repository, 'cloud/server/main.ts')

/** Without limits of requests, which would be all that is measured. */
export const benchEnvironment = (home: string, port = 0): Record<string, string> => ({
  FUSION_HOME: home,
  FUSION_CLOUD_PORT: String(port),
  FUSION_LIMIT_USER: '0',
  FUSION_LIMIT_KEY: '0',
  FUSION_LIMIT_ORGANISATION: '0',
  FUSION_LIMIT_ADDRESS: '0',
})

/** Where the embedded Postgres of a running cloud answers, as its owner. */
async function databaseUrl(home: string): Promise<string> {
  const folder = join(home, 'cloud/postgres')
  const password = await readFile(join(folder, 'password'), 'utf8')
  const port = (await readFile(join(folder, 'data/postmaster.pid'), 'utf8')).split('\n')[3]
  return `postgres://fusion_owner:${password}@127.0.0.1:${port}/fusion`
}

/** Makes people with a history who are signed in, and ends the cloud that was started for it. */
async function fill(home: string, url: string, startCloud: () => Promise<Program>): Promise<CloudSetting['writers']> {
  const cloud = await startCloud()
  try {
    const link = cloud.lines.map(line => /^Make the first account, within a day: (\S+)$/.exec(line)?.[1]).find(Boolean)
    await makeAdmin(link!)
    const writers: CloudSetting['writers'] = []
    for (const writer of await fillHistory(await databaseUrl(home), ADMIN, { people: PEOPLE, messages: MESSAGES }))
      writers.push({ ...writer, accessToken: (await signIn(url, writer.email)).access_token })
    return writers
  } finally {
    await cloud.close()
  }
}

/** V8's profiler, where a folder for what it writes is named. */
export function profiler(): string[] {
  return profileFolder === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileFolder]
}

/** Starts the cloud on a new data folder, fills it, starts it anew, and starts the bare server on its database. */
export async function openCloudStage(quick: boolean): Promise<{ setting: CloudSetting; close(): Promise<void> }> {
  const home = await mkdtemp(join(tmpdir(), 'fusion-bench-cloud-'))
  const closing: (() => Promise<unknown>)[] = [() => rm(home, { recursive: true, force: true })]
  const close = async () => {
    for (const end of closing.splice(0).toReversed()) await end()
  }
  const start = async (args: string[], env?: Record<string, string>): Promise<Program> => {
    const started = await startProgram(args, env)
    closing.push(started.close)
    return started
  }
  try {
    const models = await startScriptedServer()
    closing.push(models.close)
    // One port for both, since access tokens are of an address.
    const port = await freePort()
    const env = { ...benchEnvironment(home, port), MODEL_SERVERS: JSON.stringify([{ url: models.url }]) }
    const url = `http://127.0.0.1:${port}`
    const writers = await fill(home, url, () => startProgram([program], env))
    // Another process than the one that was filled: what was needed for that is not in its memory.
    const cloud = await start([...cloudFlags, ...profiler(), '--import', join(import.meta.dirname, 'settle-memory.mjs'), program], env)
    const bare = await start([join(repository, 'cloud/server/testing/bare-server.ts'), await databaseUrl(home)])
    return { setting: { quick, cloud, url, bare, models, writers }, close }
  } catch (error) {
    await close()
    throw error
  }
}
