import {
  chmodSync,
  copyFileSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { addEndlessModel } from '../../../models/guide/testing/endless-model.ts'
import { startHeadless } from '../../engine/testing/headless.ts'
import { testFolder } from '../../engine/testing/test-engine.ts'
import { runFusion } from '../testing/run-fusion.ts'

interface Report {
  sound: boolean
  machine: Record<string, string>
  dataFolder: Record<string, string>
  models: Record<string, string>
  port: Record<string, string>
  problems: { what: string; next: string }[]
}

async function reportOf(home: string, env: Record<string, string> = {}): Promise<Report & { code: number | null }> {
  const { code, stdout, stderr } = await runFusion(['doctor', '--json'], { home, env })
  expect(stderr).toBe('')
  return { ...(JSON.parse(stdout) as Report), code }
}

/** A data folder that was used. */
async function usedHome(): Promise<string> {
  const home = await testFolder()
  await runFusion(['models'], { home })
  return home
}

test('where all is well it says so, part by part', async () => {
  const home = await usedHome()
  const { code, stdout, stderr } = await runFusion(['doctor'], { home })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(
    /^Fusion \d.*\n\nThis computer\n.*\n\nData folder\n.*\n\nModels\n {2}Fusion Guide Q4_K_M {2}3\.3 MB, sound\n\n.*\nNothing is wrong\.\n$/s,
  )
})

test('programs get the same as one object', async () => {
  const home = await usedHome()
  expect(await reportOf(home)).toMatchObject({
    code: 0,
    sound: true,
    machine: { Processor: expect.stringMatching(/ cores?$/), 'Computes on': expect.any(String) },
    dataFolder: { Place: home, 'Used by': 'nobody now', Database: expect.stringMatching(/, sound$/) },
    models: { 'Fusion Guide Q4_K_M': '3.3 MB, sound' },
    port: { Port: 'picked at each start' },
    problems: [],
  })
})

test('before the first start there is no data folder, none is made, and nothing is wrong', async () => {
  const folder = await testFolder()
  expect(await reportOf(join(folder, 'new'))).toMatchObject({ code: 0, dataFolder: { State: 'not there yet: the first start makes it' } })
  expect(readdirSync(folder)).toEqual([])
})

test('an engine that runs is asked, and named as who uses the folder and the port', async () => {
  const home = await testFolder()
  const engine = await startHeadless(home)
  onTestFinished(() => engine.end())
  expect(await reportOf(home, { FUSION_PORT: String(engine.port) })).toMatchObject({
    code: 0,
    dataFolder: { 'Used by': `fusion serve (process ${engine.pid}, on port ${engine.port})` },
    port: { [engine.port]: 'used by fusion serve' },
    problems: [],
  })
})

test('a damaged database is found, and left as it is for the next start to mend', async () => {
  const home = await usedHome()
  const file = join(home, 'fusion.db')
  const handle = openSync(file, 'r+')
  for (let at = 8192; at < statSync(file).size; at += 4096) writeSync(handle, Buffer.alloc(64, 0xaa), 0, 64, at)
  const before = readFileSync(file)
  const report = await reportOf(home)
  expect(report).toMatchObject({ code: 1, sound: false, dataFolder: { Database: expect.stringMatching(/, (damaged|not readable)$/) } })
  expect(report.problems).toHaveLength(1)
  expect(readFileSync(file).equals(before)).toBe(true)
})

test('a model whose bytes changed, one whose file is gone and one that never was one are told apart', async () => {
  const home = await testFolder()
  const path = addEndlessModel(home)
  const elsewhere = join(await testFolder(), 'elsewhere.gguf')
  const other = readFileSync(path)
  other.write('Fusion Other', other.indexOf('Fusion Talks'), 'latin1')
  writeFileSync(elsewhere, other)
  await runFusion(['models', 'add', elsewhere], { home })
  rmSync(elsewhere)
  // One bit, and the time as it was: nothing but reading it tells.
  const handle = openSync(path, 'r+')
  writeSync(handle, Buffer.from([1]), 0, 1, statSync(path).size - 9)
  utimesSync(path, 0, 0)
  const none = join(home, 'models/none.gguf')
  writeFileSync(none, 'none')
  utimesSync(none, 0, 0)
  const { code, models, problems } = await reportOf(home)
  expect({ code, models }).toEqual({
    code: 1,
    models: {
      'Fusion Other F16': `gone from ${elsewhere}`,
      'Fusion Talks F16': '10.6 MB, not what it was',
      'Fusion Guide Q4_K_M': '3.3 MB, sound',
      'none.gguf': 'not taken',
    },
  })
  expect(problems.map(({ what }) => what)).toEqual([
    'The file of Fusion Other F16 is no longer there.',
    `${path} is damaged or not whole.`,
    'none.gguf is not a model file.',
  ])
})

test('a backend that was set aside is named, with what to do', async () => {
  const home = await usedHome()
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../node_modules/node-llama-cpp/package.json'), 'utf8')) as {
    version: string
  }
  writeFileSync(join(home, 'backends.json'), JSON.stringify({ version, failed: ['vulkan'], trying: null }))
  expect(await reportOf(home)).toMatchObject({
    code: 1,
    machine: { 'Set aside': 'graphics card' },
    problems: [{ what: expect.stringContaining('did not work on this computer (vulkan)'), next: expect.stringContaining('backends.json') }],
  })
})

test.skipIf(process.platform !== 'linux')('a card whose part of Fusion is not installed is a problem', async () => {
  const drivers = await testFolder()
  writeFileSync(join(drivers, 'nvidia-smi'), "#!/bin/sh\necho 'NVIDIA L4, 23034'\n", { mode: 0o755 })
  const { code, machine, problems } = await reportOf(await usedHome(), { PATH: `${drivers}:${process.env['PATH']}` })
  expect(machine['Graphics']).toMatch(/^NVIDIA L4, 24\.2 GB/)
  // On a machine that has a card of its own, the part is there.
  if (machine['Computes on'] !== 'processor') return
  expect({ code, problems }).toMatchObject({
    code: 1,
    problems: [{ what: expect.stringContaining('The part of Fusion for the NVIDIA L4 is not installed') }],
  })
})

test('a port that another program has is a problem, with that program', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  onTestFinished(() => void other.close())
  const { port } = other.address() as AddressInfo
  const { code, problems } = await reportOf(await usedHome(), { FUSION_PORT: String(port) })
  expect({ code, problems }).toMatchObject({
    code: 1,
    problems: [{ what: expect.stringMatching(`^Port ${port} is in use by .+, so "fusion serve" cannot start\\.$`) }],
  })
  if (process.platform === 'linux') expect(problems[0]!.what).toContain(`(process ${process.pid})`)
})

test.skipIf(process.platform === 'win32')('a folder that others may write to is a problem', async () => {
  const home = await usedHome()
  chmodSync(home, 0o777)
  expect(await reportOf(home)).toMatchObject({ code: 1, problems: [{ what: `Others on this computer may write to ${home}.` }] })
})

test('a data folder that is a file is a problem, and all else is looked at nevertheless', async () => {
  const file = join(await testFolder(), 'file')
  copyFileSync(import.meta.filename, file)
  const report = await reportOf(file)
  expect(report).toMatchObject({
    code: 1,
    problems: [{ what: `Fusion cannot keep its data in ${file}.` }],
    port: { Port: 'picked at each start' },
  })
})

test('a setting that is wrong is named in a line', async () => {
  const ended = await runFusion(['doctor'], { home: await testFolder(), env: { FUSION_PORT: 'http' } })
  expect(ended).toMatchObject({ code: 1, stdout: '', stderr: 'FUSION_PORT must be a whole number from 0 to 65535; it is "http".\n' })
})
