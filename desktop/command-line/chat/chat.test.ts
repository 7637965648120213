import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readConfig } from '../../engine/config.ts'
import { writeEngineFile } from '../../engine/engine-file.ts'
import { openOwnerDoor } from '../../engine/http/owner-door.ts'
import { startEngine } from '../../engine/start-engine.ts'
import { lockFolder } from '../../engine/storage/lock.ts'
import { addEndlessModel, endlessName } from '../../../models/guide/testing/endless-model.ts'
import { filesWith } from '../../engine/testing/files-with.ts'
import { startHeadless } from '../../engine/testing/headless.ts'
import { testFolder } from '../../engine/testing/test-engine.ts'
import { addEscapingModel } from '../testing/escaping-model.ts'
import { hasTerminal, inTerminal, runFusion, startFusion } from '../testing/run-fusion.ts'

const exact = ['--temperature', '0']

test('the answer to a prompt is printed, and nothing else, and nothing of it is kept', async () => {
  const home = await testFolder()
  const { code, stdout, stderr } = await runFusion(['chat', ...exact, 'What can you', 'do, marzipan?'], { home })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^[^\n]+\n$/)
  expect(filesWith(home, ['marzipan', stdout.slice(0, 30)])).toEqual([])
})

test('with --json it is one object with text, model and usage', async () => {
  const home = await testFolder()
  const plain = await runFusion(['chat', ...exact, 'What can you do?'], { home })
  const { stdout } = await runFusion(['chat', ...exact, '--json', 'What can you do?'], { home })
  expect(JSON.parse(stdout)).toMatchObject({
    text: plain.stdout.trimEnd(),
    model: { id: expect.stringMatching(/^[0-9a-f]{64}$/), name: 'Fusion Guide', quantization: 'Q4_K_M', backend: 'cpu' },
    usage: { promptTokens: expect.any(Number), completionTokens: expect.any(Number) },
    finishReason: 'stop',
  })
})

test('what comes by standard input is read, alone or behind a prompt', async () => {
  const home = await testFolder()
  const ask = async (args: string[], input: string) =>
    JSON.parse((await runFusion(['chat', ...exact, '--json', ...args], { home, input })).stdout) as {
      text: string
      usage: { promptTokens: number }
    }
  const alone = await ask([], 'What can you do?\n')
  const both = await ask(['What can', 'you do?'], 'some words of a file')
  expect(alone.text).toBe((await ask(['What can you do?\n'], '')).text)
  expect(both.usage.promptTokens).toBeGreaterThan(alone.usage.promptTokens)
})

test.for<[string, string[], string | Buffer, RegExp, number]>([
  ['no prompt at all', [], '', /^There is nothing to ask: /, 2],
  ['bytes that are no text', [], Buffer.from([0xff, 0xfe]), /^Standard input is not a text file\. /, 1],
  ['a text that is too long', [], 'x'.repeat(8_000_001), /^This message is too long: /, 1],
  ['a question that no window holds', [], 'word '.repeat(20_000), /^This message has [\d,]+ tokens; /, 1],
  ['a model that is not there', ['-m', 'gpt'], 'x', /^No model here is called gpt\. /, 1],
  ['an option that is not there', ['--temprature', '1'], 'x', /Did you mean --temperature\? See fusion help chat\.\n$/, 2],
])('%s is said in a sentence', async ([, args, input, words, code]) => {
  const ended = await runFusion(['chat', ...args], { home: await testFolder(), input })
  expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(words) })
  expect(ended.stderr.trim().split('\n')).toHaveLength(1)
})

test('an engine that runs is used: its models are loaded already, and go on being', async () => {
  const home = await testFolder()
  const engine = await startHeadless(home)
  onTestFinished(() => engine.end())
  const { code, stdout } = await runFusion(['chat', ...exact, 'What can you do, marzipan?'], { home })
  expect({ code, answered: stdout.length > 20 }).toEqual({ code: 0, answered: true })
  expect(filesWith(home, ['marzipan', stdout.slice(0, 30)])).toEqual([])
  const { stdout: list } = await runFusion(['models', '--json'], { home })
  expect((JSON.parse(list) as { models: { state: string }[] }).models.map(({ state }) => state)).toEqual(['ready'])
})

test('the file of an engine that is gone sends no question to whoever has its port now', async () => {
  const home = await testFolder()
  const elsewhere = await testFolder()
  const stranger = await startHeadless(elsewhere)
  onTestFinished(() => stranger.end())
  // It would even take the token.
  copyFileSync(join(elsewhere, 'engine.json'), join(home, 'engine.json'))
  expect(await runFusion(['chat', ...exact, 'Hello'], { home })).toMatchObject({ code: 0, stderr: '' })
  const { stdout } = await runFusion(['models', '--json'], { home: elsewhere })
  expect((JSON.parse(stdout) as { models: { state: string }[] }).models.map(({ state }) => state)).toEqual(['cold'])
})

test('a token that is refused opens nothing', async () => {
  const home = await testFolder()
  const engine = await startHeadless(home)
  onTestFinished(() => engine.end())
  const door = { port: engine.port, token: 'x'.repeat(43) }
  writeFileSync(join(home, 'engine.json'), JSON.stringify({ pid: engine.pid, holder: 'serve', door }))
  const { code, stdout, stderr } = await runFusion(['chat', 'Hello'], { home })
  expect({ code, stdout, stderr }).toEqual({
    code: 1,
    stdout: '',
    stderr: 'Another Fusion is using this data folder. Use that one, or close it first.\n',
  })
})

test('an engine that dies in the middle of an answer is said, and what was printed stays', async () => {
  const home = await testFolder()
  addEndlessModel(home)
  const engine = await startHeadless(home)
  const { child, done, until } = startFusion(['chat', '-m', endlessName, 'Tell me a long story'], { home })
  child.stdin!.end()
  await until(/[a-z]+ [a-z]+ [a-z]+ [a-z]+/)
  await engine.end('SIGKILL')
  const { code, stdout, stderr } = await done
  expect({ code, end: stdout.at(-1) }).toEqual({ code: 1, end: '\n' })
  expect(stderr).toBe('The Fusion that was running has ended. Try again; the command then works without it.\n')
})

test("Fusion's own window lets commands in, by a socket that is its owner's", async () => {
  const home = await testFolder()
  const engine = await startEngine(readConfig({ FUSION_HOME: home }), { quiet: true })
  const door = await openOwnerDoor({ folder: home, log: engine.log, onPort: engine.servePage })
  onTestFinished(async () => {
    await door.close()
    await engine.close()
  })
  writeEngineFile(home, { holder: 'window', door: { socket: door.socket, token: door.token } })
  await engine.modelsKnown
  expect(await runFusion(['chat', ...exact, 'What can you do?'], { home })).toMatchObject({ code: 0, stderr: '' })
  writeEngineFile(home, { holder: 'window', door: { socket: door.socket, token: 'x'.repeat(43) } })
  expect(await runFusion(['chat', 'Hello'], { home })).toMatchObject({ code: 1, stdout: '' })
})

test("a folder that Fusion's own window has is not waited for where there is no way in", async () => {
  const home = await testFolder()
  const lock = lockFolder(home)
  onTestFinished(() => lock.release())
  writeEngineFile(home, { holder: 'window', door: null })
  expect(await runFusion(['chat', 'Hello'], { home })).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^Fusion is open in its own window, which lets no command in\. /),
  })
})

test('commands that come at once wait for one another', async () => {
  const home = await testFolder()
  const all = await Promise.all([1, 2, 3].map(() => runFusion(['chat', ...exact, 'What can you do?'], { home })))
  expect(all.map(({ code, stderr }) => ({ code, stderr }))).toEqual(Array.from({ length: 3 }, () => ({ code: 0, stderr: '' })))
})

test.for(['SIGINT', 'SIGTERM'] as const)('%s ends the answer, and what was printed stays', async name => {
  const home = await testFolder()
  addEndlessModel(home)
  const { child, done, until } = startFusion(['chat', '-m', endlessName, 'Tell me a long story'], { home })
  child.stdin!.end()
  await until(/[a-z]+ [a-z]+ [a-z]+ [a-z]+/)
  child.kill(name)
  const { code, stdout, stderr } = await done
  expect({ code, stderr, end: stdout.at(-1) }).toEqual({ code: name === 'SIGINT' ? 130 : 143, stderr: '', end: '\n' })
})

test('a pipe that is closed ends it without a word', async () => {
  const home = await testFolder()
  addEndlessModel(home)
  const { child, done, until } = startFusion(['chat', '-m', endlessName, 'Tell me a long story'], { home })
  child.stdin!.end()
  await until(/[a-z]+ [a-z]+ [a-z]+ [a-z]+/)
  child.stdout!.destroy()
  expect(await done).toMatchObject({ code: 0, stderr: '' })
})

test.runIf(hasTerminal)('in a terminal it says where the answer was made, and colours and progress are gone with NO_COLOR', async () => {
  const home = await testFolder()
  const coloured = await inTerminal(['chat', ...exact, 'What can you do?'], { home }).done
  expect(coloured.stdout).toMatch(/\x1b\[2mThis computer · Fusion Guide Q4_K_M · processor · \d+ tokens\/s\x1b\[0m/)
  const plain = await inTerminal(['chat', ...exact, 'What can you do?'], { home, env: { NO_COLOR: '1' } }).done
  expect(plain.stdout).toMatch(/This computer · Fusion Guide Q4_K_M/)
  expect(plain.stdout).not.toContain('\x1b')
})

test.runIf(hasTerminal)('what a model writes commands no terminal, and no pipe that may lead to one', async () => {
  const home = await testFolder()
  addEscapingModel(home)
  const args = ['chat', '-m', endlessName, '--max-tokens', '60', 'Tell me a long story']
  const answer = JSON.parse((await runFusion([...args, '--json'], { home })).stdout) as { text: string }
  expect(answer.text).toContain('\x1b')
  const shown = await inTerminal(args, { home, env: { NO_COLOR: '1' } }).done
  const piped = await runFusion(args, { home })
  for (const { stdout } of [shown, piped]) {
    expect(stdout).toContain('␛')
    expect(stdout).not.toContain('\x1b')
  }
})

test.runIf(hasTerminal)('Ctrl-C in a terminal ends the answer with whole lines and whole escape sequences', async () => {
  const home = await testFolder()
  addEndlessModel(home)
  const { done, until, type } = inTerminal(['chat', '-m', endlessName, 'Tell me a long story'], { home })
  await until(/[a-z]+ [a-z]+ [a-z]+ [a-z]+/)
  type('\x03')
  const { code, stdout } = await done
  expect(code).toBe(130)
  expect(stdout).toMatch(/\n$/)
  expect(stdout.replace(/\x1b\[[0-9]*[mK]/g, '')).not.toContain('\x1b')
})

test.runIf(hasTerminal)('a talk remembers what was said, begins anew on /new, and ends with Ctrl-D', async () => {
  const home = await testFolder()
  const { done, until, type } = inTerminal(['chat', ...exact], { home })
  await until('> ')
  type('What can you do?\r')
  await until(/tokens\/s[^]*> /)
  type('/new\r')
  await until(/A new chat\.[^]*> /)
  type('And privacy?\r')
  await until(/tokens\/s[^]*tokens\/s[^]*> /)
  type('\x04')
  expect((await done).code).toBe(0)
  expect(filesWith(home, ['And privacy'])).toEqual([])
})

test.runIf(hasTerminal)('in a talk Ctrl-C stops the answer and the talk goes on; with nothing typed it ends', async () => {
  const home = await testFolder()
  addEndlessModel(home)
  const { done, until, type } = inTerminal(['chat', '-m', endlessName], { home })
  await until('> ')
  type('Tell me a long story\r')
  await until(/story[^>]*[a-z]+ [a-z]+ [a-z]+ [a-z]+/)
  type('\x03')
  await until(/Stopped\.[^]*> /)
  type('\x03')
  expect((await done).code).toBe(130)
})
