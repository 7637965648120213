// What a package holds, and that its engine and its model run from where the package lays them. Electron's own program is a stand-in with
// nothing but the fuses; the engine runs in Node, out of a folder named as Electron's archive.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { startHeadless } from '../desktop/engine/testing/headless.ts'
import { ensureBuilt } from './ensure-built.mjs'
import { bringPage } from './packaged-page.ts'
import { packageParts } from './parts.mjs'
import { runNode } from './run.mjs'

const root = dirname(import.meta.dirname)
const runs = process.platform === 'linux'
let folder: string
let resources: string

/** In Electron's program it stands before the fuses: their version, their number, and one character for each. */
const MARK = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX'
/** In their order; https://www.electronjs.org/docs/latest/tutorial/fuses says what each does. */
const fuses = [
  'runAsNode',
  'enableCookieEncryption',
  'enableNodeOptionsEnvironmentVariable',
  'enableNodeCliInspectArguments',
  'enableEmbeddedAsarIntegrityValidation',
  'onlyLoadAppFromAsar',
  'loadBrowserProcessSpecificV8Snapshot',
  'grantFileProtocolExtraPrivileges',
]

beforeAll(async () => {
  if (!runs) return
  folder = mkdtempSync(join(tmpdir(), 'fusion-package-'))
  const electron = join(folder, 'electron')
  mkdirSync(join(electron, 'resources'), { recursive: true })
  writeFileSync(join(electron, 'electron'), `${MARK}\u0001${String.fromCharCode(fuses.length)}${'1'.repeat(fuses.length)}`, { mode: 0o755 })
  await ensureBuilt(root, packageParts)
  bringPage(root)
  const options = ['--dir', `-c.electronDist=${electron}`, `-c.directories.output=${join(folder, 'release')}`]
  expect(await runNode(root, [join(root, 'node_modules/electron-builder/out/cli/cli.js'), ...options])).toBe(0)
  const unpacked = readdirSync(join(folder, 'release')).find(name => name.endsWith('unpacked'))!
  resources = join(folder, 'release', unpacked, 'resources')
  return () => rmSync(folder, { recursive: true, force: true })
})

test.runIf(runs)('Electron is never a Node, takes no options from outside, and loads the app from its archive alone', () => {
  const wire = readFileSync(join(resources, '../fusion'), 'latin1').split(MARK)[1]!.slice(2)
  expect(fuses.filter((_, index) => wire[index] === '1')).toEqual([
    'enableCookieEncryption',
    'enableEmbeddedAsarIntegrityValidation',
    'onlyLoadAppFromAsar',
  ])
})

test.runIf(runs)('it holds the bundles and what they leave out, and nothing for other machines', () => {
  const packages = join(resources, 'app.asar.unpacked/node_modules')
  const libraries = readdirSync(join(packages, '@node-llama-cpp')).filter(name => !name.endsWith('-vulkan'))
  expect(libraries).toEqual([`linux-${process.arch}`])
  expect(readdirSync(join(packages, 'better-sqlite3/prebuilds')).toSorted()).toEqual([
    `linux-${process.arch}.node`,
    `linuxmusl-${process.arch}.node`,
  ])
  expect(readdirSync(join(packages, `node-linux-${process.arch}`)).toSorted()).toEqual(['LICENSE', 'bin', 'package.json'])
  for (const name of ['electron', 'vite', 'react', 'typescript', '@fusion']) expect(existsSync(join(packages, name)), name).toBe(false)
  expect(existsSync(join(resources, 'models/guide/guide-q4_k_m.gguf'))).toBe(true)
})

test.runIf(runs)(
  'the engine in it starts, finds the bundled model and loads it with the Node that came along',
  { timeout: 120_000 },
  async () => {
    const app = join(folder, 'app/app.asar')
    mkdirSync(dirname(app))
    expect(await runNode(root, [join(root, 'node_modules/@electron/asar/bin/asar.js'), 'extract', join(resources, 'app.asar'), app])).toBe(
      0,
    )
    // As Electron shows it: what lies beside the archive is in it, too.
    rmSync(join(app, 'node_modules'), { recursive: true, force: true })
    symlinkSync(join(resources, 'app.asar.unpacked'), `${app}.unpacked`)
    symlinkSync(join(resources, 'app.asar.unpacked/node_modules'), join(app, 'node_modules'))
    const engine = await startHeadless(join(folder, 'home'), {
      entry: join(app, 'out/engine/serve.js'),
      env: { FUSION_RESOURCES: resources },
    })
    onTestFinished(() => engine.end())
    const { fusion } = await engine.connect()
    for await (const { entries } of fusion.models.watch({})) {
      const [guide] = entries
      if (guide?.state.at === 'cold') await fusion.models.load({ modelId: guide.id })
      if (guide?.state.at === 'ready' || guide?.state.at === 'failed') {
        expect(guide.state.at).toBe('ready')
        break
      }
    }
  },
)

test.runIf(runs)('the command line in it answers with the bundled model', { timeout: 120_000 }, () => {
  const run = (...args: string[]) =>
    execFileSync(join(resources, 'bin/fusion'), args, { env: { ...process.env, FUSION_HOME: join(folder, 'home-2') }, encoding: 'utf8' })
  expect(run('--version').trim()).toBe((JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version)
  expect(run('chat', '--temperature', '0', 'What is Fusion?')).toMatch(/[.!?]\n$/)
})

test.runIf(runs)('and serves the page to a browser', async () => {
  const entry = join(resources, 'app.asar.unpacked/out/command-line/main.js')
  const engine = await startHeadless(join(folder, 'home-3'), { entry, args: ['serve'], env: { FUSION_RESOURCES: resources } })
  onTestFinished(() => engine.end())
  expect((await fetch(`http://127.0.0.1:${engine.port}/`)).status).toBe(200)
})
