import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

// The packaged Node of a test project is a link to the Node that runs the tests, which npm can install without a registry. Only Linux and
// Windows have a packaged Node, and links want a privilege on Windows.
const runs = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)
const packagedName = `node-linux-${process.arch}`

interface Project {
  root: string
  /** A Node that is not the packaged one, as on a person's machine. */
  foreignNode: string
}

/** A small project with real scripts of ours, and parts that real npm installs from its own folder. */
function project(allowScripts: Record<string, boolean> = {}): Project {
  const root = mkdtempSync(join(tmpdir(), 'fusion-bootstrap-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const write = (path: string, content: unknown) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content))
  }
  mkdirSync(join(root, 'build'))
  for (const name of readdirSync(import.meta.dirname)) {
    if (name.endsWith('.mjs')) copyFileSync(join(import.meta.dirname, name), join(root, 'build', name))
  }
  write('parts/node/package.json', { name: packagedName, version: '24.0.0' })
  mkdirSync(join(root, 'parts/node/bin'))
  symlinkSync(process.execPath, join(root, 'parts/node/bin/node'))
  // npm runs this one's script with the folder of the package as its working folder.
  const script = "node -e \"require('fs').writeFileSync('ran.json', JSON.stringify([process.version, process.env.npm_config_nodedir]))\""
  write('parts/native/package.json', { name: 'native', version: '1.0.0', scripts: { install: script } })
  write('package.json', { name: 'p', version: '1.0.0', allowScripts })
  writeLock(root, { [packagedName]: 'parts/node', native: 'parts/native' })
  write('build/say.mjs', "process.stdout.write(JSON.stringify({ version: process.version, args: process.argv.slice(2) }) + '\\n')")
  const foreignNode = join(root, 'foreign-node')
  try {
    linkSync(process.execPath, foreignNode)
  } catch {
    copyFileSync(process.execPath, foreignNode)
  }
  return { root, foreignNode }
}

function writeLock(root: string, parts: Record<string, string>): void {
  const dependencies = Object.fromEntries(Object.entries(parts).map(([name, folder]) => [name, `file:${folder}`]))
  const linked = Object.entries(parts).flatMap(([name, folder]) => [
    [`node_modules/${name}`, { resolved: folder, link: true }],
    [folder, JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as unknown],
  ])
  const own = { ...(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as object), dependencies }
  const packages = { '': { name: 'p', version: '1.0.0', dependencies }, ...(Object.fromEntries(linked) as object) }
  writeFileSync(join(root, 'package.json'), JSON.stringify(own))
  writeFileSync(
    join(root, 'package-lock.json'),
    JSON.stringify({ name: 'p', version: '1.0.0', lockfileVersion: 3, requires: true, packages }),
  )
}

interface Result {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

function launch(
  { root, foreignNode }: Project,
  args = ['build/say.mjs'],
  env: NodeJS.ProcessEnv = {},
): { child: ChildProcess; done: Promise<Result> } {
  const child = spawn(foreignNode, [join(root, 'build/bootstrap.mjs'), ...args], {
    cwd: tmpdir(),
    env: { ...process.env, npm_execpath: '', ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const done = once(child, 'close').then(([code, signal]): Result => ({ code, signal, stdout, stderr }))
  return { child, done }
}

const start = (from: Project, args?: string[], env?: NodeJS.ProcessEnv) => launch(from, args, env).done
const installing = /Installing what Fusion is made of/g

test.runIf(runs)(
  'the first start installs and goes on under the packaged Node, with the arguments; the second does nothing twice',
  async () => {
    const fresh = project()
    const first = await start(fresh, ['build/say.mjs', 'one', '--two'])
    expect(first).toMatchObject({ code: 0, stderr: expect.stringMatching(installing) as string })
    expect(JSON.parse(first.stdout)).toEqual({ version: process.version, args: ['one', '--two'] })
    const record = join(fresh.root, 'node_modules/.package-lock.json')
    const before = statSync(record).mtimeMs
    expect(await start(fresh)).toMatchObject({ code: 0, stderr: '' })
    expect(statSync(record).mtimeMs).toBe(before)
  },
)

test.runIf(runs)('what npm links as fusion goes on with the command line in the same way, through the link', async () => {
  const fresh = project()
  copyFileSync(join(fresh.root, 'build/say.mjs'), join(fresh.root, 'build/command-line.mjs'))
  const link = join(fresh.root, 'fusion')
  symlinkSync(join(fresh.root, 'build/fusion.mjs'), link)
  const child = spawn(fresh.foreignNode, [link, 'chat', '--json'], { cwd: tmpdir(), env: { ...process.env, npm_execpath: '' } })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  await once(child, 'close')
  expect(JSON.parse(stdout)).toEqual({ version: process.version, args: ['chat', '--json'] })
})

test.runIf(runs)('a changed lockfile is installed by the next start', async () => {
  const fresh = project()
  await start(fresh)
  writeLock(fresh.root, { [packagedName]: 'parts/node' })
  expect((await start(fresh)).stderr).toMatch(installing)
  expect(existsSync(join(fresh.root, 'node_modules/native'))).toBe(false)
})

test.runIf(runs)("what a developer's own npm install has brought is not installed again", async () => {
  const fresh = project()
  await start(fresh)
  rmSync(join(fresh.root, 'node_modules/.fusion-installed'))
  expect(await start(fresh)).toMatchObject({ code: 0, stderr: '' })
})

test.runIf(runs)('of two first starts at once one installs, the other waits, and both go on', async () => {
  const fresh = project()
  const results = await Promise.all([start(fresh), start(fresh)])
  expect(results.map(({ code }) => code)).toEqual([0, 0])
  const said = results.map(({ stderr }) => stderr).join('')
  expect(said.match(installing)).toHaveLength(1)
  expect(said).toContain('Another start of Fusion is installing; waiting for it')
})

test.runIf(runs)('a start that was killed while it installed is repaired by the next one, which lets npm finish first', async () => {
  const fresh = project()
  const { child, done } = launch(fresh)
  await once(child.stderr!, 'data')
  child.kill('SIGKILL')
  await done
  expect(existsSync(join(fresh.root, '.installing'))).toBe(true)
  const repaired = await start(fresh)
  expect(repaired).toMatchObject({ code: 0, stderr: expect.stringContaining('waiting for it') as string })
  expect(existsSync(join(fresh.root, 'node_modules/native'))).toBe(true)
  expect(readdirSync(fresh.root).filter(name => name.startsWith('.installing'))).toEqual([])
})

test.runIf(runs)('a node_modules that npm never finished is installed anew', async () => {
  const fresh = project()
  await start(fresh)
  rmSync(join(fresh.root, 'node_modules/.fusion-installed'))
  rmSync(join(fresh.root, 'node_modules/.package-lock.json'))
  rmSync(join(fresh.root, 'node_modules/native'))
  expect((await start(fresh)).stderr).toMatch(installing)
  expect(existsSync(join(fresh.root, 'node_modules/native'))).toBe(true)
})

test.runIf(runs)(
  'no script of a package runs, unless package.json names it; then under our Node, with its headers and not those of a setting',
  async () => {
    const env = { npm_config_nodedir: '/usr', NPM_CONFIG_NODEDIR: '/usr' }
    const strict = project()
    await start(strict, undefined, env)
    expect(existsSync(join(strict.root, 'parts/native/ran.json'))).toBe(false)
    const allowed = project({ native: true })
    await start(allowed, undefined, env)
    const ran: unknown = JSON.parse(readFileSync(join(allowed.root, 'parts/native/ran.json'), 'utf8'))
    expect(ran).toEqual([process.version, join(allowed.root, 'node_modules', packagedName)])
  },
)

test.runIf(runs)("the script's exit code is ours", async () => {
  const fresh = project()
  writeFileSync(join(fresh.root, 'build/fail.mjs'), 'process.exitCode = 7')
  expect(await start(fresh, ['build/fail.mjs'])).toMatchObject({ code: 7 })
})

test.runIf(runs)('a signal reaches the script, which ends in its own time', async () => {
  const fresh = project()
  const wait = "process.on('SIGTERM', () => setImmediate(() => process.exit(5))); setInterval(() => {}, 1000); process.stdout.write('up')"
  writeFileSync(join(fresh.root, 'build/wait.mjs'), wait)
  const { child, done } = launch(fresh, ['build/wait.mjs'])
  await once(child.stdout!, 'data')
  child.kill('SIGTERM')
  expect(await done).toMatchObject({ code: 5, signal: null })
})

test.runIf(runs)('a script that is killed by a signal ends us by the same', async () => {
  const fresh = project()
  writeFileSync(join(fresh.root, 'build/die.mjs'), "process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000)")
  expect(await start(fresh, ['build/die.mjs'])).toMatchObject({ code: null, signal: 'SIGTERM' })
})

test.runIf(runs)('what npm cannot install is one sentence after npm’s own words, and exit code 1', async () => {
  const fresh = project()
  rmSync(join(fresh.root, 'parts/native'), { recursive: true })
  writeFileSync(join(fresh.root, 'package.json'), '{ "name": "p", "version": "1.0.0", "dependencies": { "missing": "1.0.0" } }')
  const { code, stderr } = await start(fresh)
  expect(code).toBe(1)
  expect(stderr.trim().split('\n').at(-1)).toBe(
    'npm could not install what Fusion needs (npm ci ended with 1). The lines above say why; then start again.',
  )
  expect(existsSync(join(fresh.root, 'node_modules/.fusion-installed'))).toBe(false)
})

test.runIf(runs)('SIGTERM to npm, which passes it on to its shell only, ends the script too', async () => {
  const fresh = project()
  const own = JSON.parse(readFileSync(join(fresh.root, 'package.json'), 'utf8')) as object
  writeFileSync(join(fresh.root, 'package.json'), JSON.stringify({ ...own, scripts: { wait: 'node build/bootstrap.mjs build/wait.mjs' } }))
  const wait =
    "process.on('SIGTERM', () => process.stdout.write('stopped', () => process.exit())); setInterval(() => {}, 1000); process.stdout.write('up ')"
  writeFileSync(join(fresh.root, 'build/wait.mjs'), wait)
  await start(fresh)
  const npm = spawn('npm', ['run', '--silent', 'wait'], { cwd: fresh.root, stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void npm.kill('SIGKILL'))
  let stdout = ''
  npm.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (stdout === '') npm.kill('SIGTERM')
    stdout += text
  })
  // The script holds the other end of this pipe, so the pipe ends when the script does.
  await once(npm.stdout, 'end')
  expect(stdout).toBe('up stopped')
})
