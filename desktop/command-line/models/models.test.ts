import { copyFileSync, existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ModelEntry } from '@fusion/shared/contract/model.ts'
import { expect, onTestFinished, test } from 'vitest'
import { addEndlessModel } from '../../../models/guide/testing/endless-model.ts'
import { startHeadless } from '../../engine/testing/headless.ts'
import { guideFolder, testFolder } from '../../engine/testing/test-engine.ts'
import { runFusion } from '../testing/run-fusion.ts'
import { findModel } from './known-models.ts'

interface Listed {
  models: { id: string; name: string; state: string; source: string }[]
  refused: { name: string }[]
}

async function list(home: string): Promise<Listed> {
  return JSON.parse((await runFusion(['models', 'list', '--json'], { home })).stdout) as Listed
}

test('the list has a line for each model, your own before the guide', async () => {
  const home = await testFolder()
  addEndlessModel(home)
  const { code, stdout, stderr } = await runFusion(['models'], { home })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.split('\n')).toEqual([
    expect.stringMatching(/^Fusion Talks F16 {5}10\.6 MB {2}not loaded {9}[0-9a-f]{12}$/),
    expect.stringMatching(/^Fusion Guide Q4_K_M {2}3\.3 MB {3}comes with Fusion {2}[0-9a-f]{12}$/),
    '',
  ])
})

test('a file that is no model is told beside the list, and its name commands no terminal', async () => {
  const home = await testFolder()
  const file = join(home, 'models/not\x1b[2Ja model.gguf')
  mkdirSync(join(home, 'models'))
  writeFileSync(file, 'no model')
  utimesSync(file, 0, 0)
  const { stdout, stderr } = await runFusion(['models'], { home })
  expect(stdout.split('\n')).toHaveLength(2)
  expect(stderr).toMatch(/^not␛\[2Ja model\.gguf was not taken: .* is not a model file\. /)
  expect(stdout + stderr).not.toContain('\x1b')
})

test('a file is taken where it lies, by a path from here, and forgotten without deleting it', async () => {
  const home = await testFolder()
  const folder = await testFolder()
  copyFileSync(join(guideFolder, 'testing/guide-f16.gguf'), join(folder, 'mine.gguf'))
  const added = await runFusion(['models', 'add', './mine.gguf'], { home, cwd: folder })
  expect(added).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^Added Fusion Guide F16 \([0-9a-f]{12}\)\.\n$/) })
  expect((await list(home)).models).toMatchObject([{ source: 'added' }, { source: 'bundled' }])
  const removed = await runFusion(['models', 'remove', 'mine', '--delete-file'], { home })
  expect(removed.stdout).toMatch(/^Removed Fusion Guide F16\. Its file lies outside of the data folder and stays at .*mine\.gguf\.\n$/)
  expect(existsSync(join(folder, 'mine.gguf'))).toBe(true)
  expect((await list(home)).models).toHaveLength(1)
})

test('--delete-file deletes a file of the data folder', async () => {
  const home = await testFolder()
  const path = addEndlessModel(home)
  expect((await runFusion(['models', 'remove', 'talks', '--delete-file'], { home })).stdout).toBe(
    'Removed Fusion Talks F16 and deleted its file.\n',
  )
  expect(existsSync(path)).toBe(false)
})

test.for<[string[], string, number]>([
  [['add'], 'PATH is missing. See fusion help models add.', 2],
  [['add', 'no-such-file.gguf'], 'no-such-file.gguf could not be read. Check that it is there and that you may read it.', 1],
  [['add', '.'], 'could not be read.', 1],
  [['remove', 'guide'], 'Fusion Guide Q4_K_M comes with Fusion and stays.', 1],
  [['remove', 'llama'], 'No model here is called llama.', 1],
  [['load', 'guide'], 'No Fusion is running that could keep a model loaded. Start one with "fusion serve", then try again.', 1],
  [['unload', 'guide'], 'No Fusion is running', 1],
  [['lost'], 'There is no command "models lost". Did you mean fusion models list? See fusion help.', 2],
  [['list', 'all'], 'Nothing is expected here: "all". See fusion help models list.', 2],
])('models %j is refused in a sentence', async ([args, words, code]) => {
  const home = await testFolder()
  const ended = await runFusion(['models', ...args], { home, cwd: home })
  expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(words) })
  expect(ended.stderr.trim().split('\n')).toHaveLength(1)
})

test('with an engine that runs, a model is loaded and unloaded', async () => {
  const home = await testFolder()
  const engine = await startHeadless(home)
  onTestFinished(() => engine.end())
  const loaded = await runFusion(['models', 'load', 'guide'], { home })
  expect(loaded).toMatchObject({ code: 0, stdout: 'Fusion Guide Q4_K_M is loaded: processor, a window of 2,048 tokens.\n', stderr: '' })
  expect((await list(home)).models[0]!.state).toBe('ready')
  expect((await runFusion(['models', 'unload', 'guide'], { home })).stdout).toBe('Fusion Guide Q4_K_M is unloaded.\n')
  expect((await list(home)).models[0]!.state).toBe('cold')
})

test('a model is found by a part of its name, its file or its id, and several that fit are named', () => {
  const entry = (name: string, file: string, id: string) =>
    ({ id, path: `/models/${file}`, file: { name, quantization: 'Q4_K_M' } }) as ModelEntry
  const entries = [
    entry('Qwen 7B', 'qwen-7b.gguf', 'aaaa1111'),
    entry('Qwen 7B Coder', 'coder.gguf', 'bbbb2222'),
    entry('Llama', 'x.gguf', 'cccc3333'),
  ]
  const found = (written: string) => findModel(written, entries).id
  expect([found('llama'), found('CODER'), found('qwen 7b'), found('qwen 7b q4_k_m'), found('x.gguf'), found('bbbb')]).toEqual([
    'cccc3333',
    'bbbb2222',
    'aaaa1111',
    'aaaa1111',
    'cccc3333',
    'bbbb2222',
  ])
  expect(() => found('qwen')).toThrow('qwen fits several models: Qwen 7B Q4_K_M (aaaa1111), Qwen 7B Coder Q4_K_M (bbbb2222).')
  for (const unknown of ['mistral', '', ' ', 'aaa']) expect(() => found(unknown)).toThrow('No model here is called')
})
