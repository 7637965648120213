import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { newId } from '@fusion/shared/contract/ids.ts'
import { BackupRunning, dumpDatabase, loadDatabase } from '../../database/backup.ts'
import { asOwner } from '../../database/testing/as-owner.ts'
import { makeBlankDatabase, makeDatabase } from '../../database/testing/test-database.ts'
import { chatClient, question } from '../testing/chat-client.ts'
import { makeFirstAccount, signInOnPage } from '../testing/sign-in.ts'
import { MODEL, type ScriptedServer, startScriptedServer } from '../testing/scripted-server.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'
import { createBackups } from './backups.ts'
import { keepDailyBackups } from './daily-backups.ts'

let cloud: TestCloud
let servers: ScriptedServer
let folder: string
let now = Date.parse('2026-11-25T03:00:00Z')
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fusion-backup-'))
  servers = await startScriptedServer()
  cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify([{ url: servers.url }]) } })
  await cloud.parts.models.looked
  await live()
})
afterAll(async () => {
  await cloud.close()
  await servers.close()
  await rm(folder, { recursive: true, force: true })
})
afterEach(async () => {
  for (const { key } of await cloud.parts.objects.list('backups/')) await cloud.parts.objects.delete(key)
})

/** Something in as many tables as people can fill. */
async function live(): Promise<void> {
  const token = await cloud.signIn()
  const call = async (method: string, path: string, body?: object) => {
    const reply = await fetch(cloud.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'idempotency-key': newId(), ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    expect([path, reply.status < 300]).toEqual([path, true])
  }
  const [id, parent] = [newId(), newId()]
  await call('POST', '/v1/conversations', { id, title: 'Line\u2028one', sampling: { temperature: 0.5 }, systemPrompt: 'a\nb\\"c' })
  const add = (text: string, parentId: string | null, own = newId()) =>
    call('POST', `/v1/conversations/${id}/messages`, { id: own, parentId, role: 'user', parts: [{ type: 'text', text }] })
  await add('zero \0, half \uD83D, lines \n \r \u2028 \u2029, quotes " \\ \'', null, parent)
  await add('x'.repeat(3_000_000), parent)
  for (let index = 0; index < 600; index++) await add(`message ${index}`, parent)
  await call('POST', '/v1/account/api-keys', { name: 'A script', scopes: ['inference', 'history'], expiresAt: null })
  await call('GET', '/v1/search?q=message')
  const bytes = Buffer.from('a file')
  await fetch(`${cloud.url}/v1/attachments/${createHash('sha256').update(bytes).digest('hex')}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
    body: bytes,
  })
  const following = await chatClient(cloud.url, token).ask(question(MODEL, { conversation: id }))
  const answer = await servers.next()
  answer.say('words')
  answer.finish()
  await following.rest()
  // Its row of the ledger comes a moment later.
  const { userId } = (await cloud.parts.identity.callerOf(token))!
  await vi.waitFor(
    async () => {
      const rows = await cloud.database.asUser(userId, tx => tx.query('select 1 from usage where user_id = fusion_user()'))
      expect(rows).toHaveLength(1)
    },
    { timeout: 20_000 },
  )
}

const backupsOf = (url: string) =>
  createBackups({ objects: cloud.parts.objects, databaseUrl: async () => url, folder: join(folder, 'under-way'), clock: () => now })

async function blankDatabase(): Promise<string> {
  const made = await makeBlankDatabase()
  onTestFinished(made.close)
  return made.url
}

async function dumped(url: string): Promise<string[]> {
  const lines: string[] = []
  for await (const text of dumpDatabase(url)) lines.push(...text.trimEnd().split('\n'))
  return lines.toSorted()
}

async function* linesOf(lines: readonly string[]) {
  yield* lines
}
async function wholeDump(): Promise<string[]> {
  const lines: string[] = []
  for await (const text of dumpDatabase(cloud.databaseUrl)) lines.push(...text.trimEnd().split('\n'))
  return lines
}

test('what was backed up is read into an empty database, row for row, and the cloud goes on with it', async () => {
  const backups = backupsOf(cloud.databaseUrl)
  const made = await backups.make()
  expect(made).toMatchObject({ name: '2026-11-25t03-00-00z', madeAt: now })
  expect(await backups.list()).toEqual([made])
  expect(await readdir(join(folder, 'under-way'))).toEqual([])
  for (const url of [await blankDatabase(), (await emptyDatabase()).url]) {
    const { rows } = await backupsOf(url).restore(made.name)
    expect(rows).toBeGreaterThan(600)
    expect(await dumped(url)).toEqual(await dumped(cloud.databaseUrl))
  }
})

async function emptyDatabase() {
  const made = await makeDatabase()
  onTestFinished(made.close)
  return made
}

test('a backup that is cut off, changed or of something else is refused, and leaves the database as it was', async () => {
  const lines = await wholeDump()
  const { url, database } = await emptyDatabase()
  const end = lines.length - 1
  const cases: [string, readonly string[]][] = [
    ['its end is missing', lines.slice(0, end)],
    ['rows are missing', [...lines.slice(0, end - 2), lines[end]!]],
    ['it does not begin as a backup does', ['{"hello":1}', ...lines.slice(1)]],
    ['it does not begin as a backup does', ['not JSON']],
    ['it has a table that is not known', [lines[0]!, '{"table":"pg_authid","columns":["rolname"]}', lines[end]!]],
  ]
  for (const [words, damaged] of cases) await expect(loadDatabase(url, linesOf(damaged)), words).rejects.toThrow(words)
  const newer = JSON.stringify({ fusion: 1, migrations: ['9999-from-the-future.sql'] })
  await expect(loadDatabase(url, linesOf([newer, ...lines.slice(1)]))).rejects.toThrow('a newer Fusion')
  expect(await database.query('select 1 from users')).toEqual([])
  await expect(backupsOf(url).restore('2020-01-01t00-00-00z')).rejects.toThrow('there is none of this name')
  await expect(backupsOf(url).restore('../../etc/passwd')).rejects.toThrow('there is none of this name')
})

test('a backup is never read over people, and two are not made at once', async () => {
  const backups = backupsOf(cloud.databaseUrl)
  const { name } = await backups.make()
  const before = await dumped(cloud.databaseUrl)
  await expect(backups.restore(name)).rejects.toMatchObject({
    name: 'Error',
    constructor: expect.objectContaining({ name: 'DatabaseNotEmpty' }),
  })
  expect(await dumped(cloud.databaseUrl)).toEqual(before)

  const first = dumpDatabase(cloud.databaseUrl)
  await first.next()
  await expect(dumpDatabase(cloud.databaseUrl).next()).rejects.toThrow(BackupRunning)
  await first.return()
})

test('a backup of an older schema is read into it, and then brought to the newest', async () => {
  // What an older one does not hold is nothing after it was read in.
  await asOwner(cloud.databaseUrl, 'update generations set owner = null')
  const lines = await wholeDump()
  const [first, ...rest] = lines as [string, ...string[]]
  // As before two migrations that each added a column at the end of the same table.
  const { migrations } = JSON.parse(first) as { migrations: string[] }
  const older = migrations.filter(name => name !== '0027-answer-due.sql' && name !== '0041-take-over.sql')
  const at = rest.findIndex(line => line.startsWith('{"table":"generations"'))
  const { columns } = JSON.parse(rest[at]!) as { columns: string[] }
  const added = ['answer_due', 'owner'].map(name => columns.indexOf(name))
  const dropAdded = (row: unknown[]) => row.filter((_, index) => !added.includes(index))
  const without = rest.map((line, index) => {
    if (index === at) return JSON.stringify({ table: 'generations', columns: dropAdded(columns) })
    const isGeneration = index > at && !rest.slice(at + 1, index + 1).some(one => one.startsWith('{'))
    return isGeneration ? JSON.stringify(dropAdded(JSON.parse(line) as unknown[])) : line
  })
  const url = await blankDatabase()
  await loadDatabase(url, linesOf([JSON.stringify({ fusion: 1, migrations: older }), ...without]))
  expect(await dumped(url)).toEqual(lines.toSorted())
})

test('one backup is made a day, and so many are kept', async () => {
  const backups = backupsOf(cloud.databaseUrl)
  const daily = keepDailyBackups({ backups, keep: 2, clock: () => now, onTrouble: () => expect.fail() })
  const names = async () => (await backups.list()).map(({ name }) => name)
  for (let hours = 0; hours < 24 * 4; hours += 6) {
    await daily.look()
    now += 6 * 3_600_000
  }
  expect(await names()).toEqual(['2026-11-28t03-00-00z', '2026-11-27t03-00-00z'])
  await daily.close()
})

test('by its command a running cloud is backed up, and read into another data folder, in which the same people sign in', async () => {
  const env = (home: string) => ({
    FUSION_HOME: join(folder, home),
    FUSION_CLOUD_KEY: 'a key that both clouds have, of 32',
    FUSION_LOG: 'error',
  })
  const port = { FUSION_CLOUD_PORT: '0', MODEL_SERVERS: JSON.stringify([{ url: servers.url }]) }
  const objects = { FUSION_HOME: join(folder, 'one') }
  const one = await start({ ...env('one'), ...port })
  await makeFirstAccount(one.link)
  const { name } = /as (?<name>\S+) \(/.exec(await command(['backup'], env('one')))!.groups as { name: string }
  expect(await command(['backups'], env('one'))).toContain(name)
  await expect(command(['restore', name], env('one'))).rejects.toThrow('Another Fusion is using this data folder.')
  await one.end()
  await expect(command(['restore', name], env('one'))).rejects.toThrow('There are people in this database')
  await expect(command(['restore'], env('one'))).rejects.toThrow('Which backup is to be read?')
  await expect(command(['no-such'], env('one'))).rejects.toThrow('There is no command "no-such".')

  // Another folder with the objects of the first.
  await cp(join(objects.FUSION_HOME, 'cloud/objects'), join(folder, 'two/cloud/objects'), { recursive: true })
  expect(await command(['restore', name], env('two'))).toContain('was read')
  const two = await start({ ...env('two'), ...port })
  expect(await signInOnPage(two.url)).toMatch(/^ey/)
  await two.end()
})

async function start(env: Record<string, string>): Promise<{ url: string; link: string; end(): Promise<void> }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts')], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let link = ''
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', line => {
      link = /^Make the first account.*: (\S+)$/.exec(line)?.[1] ?? link
      const ready = /^Fusion Cloud is ready at (\S+)$/.exec(line)
      if (ready) resolve(ready[1]!)
    })
    child.once('exit', code => reject(new Error(`the cloud ended with ${code}`)))
  })
  async function end(): Promise<void> {
    if (child.exitCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
  }
  onTestFinished(end)
  return { url, link, end }
}

/** What it says; rejects with what it complains of. */
async function command(words: readonly string[], env: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts'), ...words], { env: { ...process.env, ...env } })
  let [said, complained] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complained += text))
  const [code] = (await once(child, 'close')) as [number]
  if (code !== 0) throw new Error(complained)
  return said
}
