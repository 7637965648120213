import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testFolder } from '../engine/testing/test-engine.ts'
import { commands } from './commands.ts'
import { runFusion, startFusion } from './testing/run-fusion.ts'

const home = '/nowhere'

test.for([[], ['help'], ['--help'], ['-h']])('%j tells all commands', async args => {
  const { code, stdout, stderr } = await runFusion(args, { home })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const { name, about } of commands) expect(stdout).toMatch(new RegExp(`^  fusion ${name} +${about.slice(0, 12)}`, 'm'))
})

test.for(commands.map(({ name }) => name))('help of %s is whole, by either way', async name => {
  const { stdout } = await runFusion(['help', ...name.split(' ')], { home })
  const { options, about } = commands.find(command => command.name === name)!
  expect(stdout).toContain(about)
  for (const option of Object.keys(options)) expect(stdout).toContain(`--${option}`)
  expect((await runFusion([...name.split(' '), '--help'], { home })).stdout).toBe(stdout)
})

test('lines of the help fit into a terminal of a hundred and forty characters', async () => {
  for (const args of [['help'], ...commands.map(({ name }) => ['help', ...name.split(' ')])]) {
    const { stdout } = await runFusion(args, { home })
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(140)
  }
})

test('--version is the version', async () => {
  expect(await runFusion(['--version'], { home })).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    stderr: '',
  })
})

test.for<[string[], string]>([
  [['caht'], 'There is no command "caht". Did you mean fusion chat? See fusion help.'],
  [['model'], 'There is no command "model". Did you mean fusion models? See fusion help.'],
  [['models', 'lsit'], 'There is no command "models lsit". Did you mean fusion models list? See fusion help.'],
  [['frobnicate'], 'There is no command "frobnicate". See fusion help.'],
  [['help', 'exprot'], 'There is no command "exprot". Did you mean fusion export? See fusion help help.'],
  [['--json'], 'There is no option --json here. It stands after a command. See fusion help.'],
  [['\x1b[2J'], 'There is no command "\\u001b[2J". See fusion help.'],
])('%j is answered with the nearest right one', async ([args, words]) => {
  expect(await runFusion(args, { home })).toMatchObject({ code: 2, stdout: '', stderr: `${words}\n` })
})

test.skipIf(process.platform !== 'linux')('a disk that is full under the output is said', async () => {
  const full = openSync('/dev/full', 'w')
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'help'], { stdio: ['ignore', full, 'pipe'] })
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
  const [code] = await once(child, 'close')
  expect({ code, said }).toEqual({ code: 1, said: 'The disk is full. What was saved is safe. Make room, then try again.\n' })
})

test('serve is the headless engine, which lets commands in and ends by SIGTERM', async () => {
  const home = await testFolder()
  const { child, done, until } = startFusion(['serve'], { home })
  await until(/^Fusion is ready at http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}$/m)
  expect((await runFusion(['models', 'load', 'guide'], { home })).code).toBe(0)
  child.kill('SIGTERM')
  expect(await done).toMatchObject({ code: 0, signal: null })
})
