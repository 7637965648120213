import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { getLlama, LlamaLogLevel } from 'node-llama-cpp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newQuestion } from './questions.ts'
import { findRivals, takeVocabulary } from './rivals.ts'
import { makeModel, type Shape, speedShape, stateShape } from './speed-model.ts'

// Qwen2's layout in the small: the full size would take 400 MB and seconds.
const small: Shape = { ...speedShape, name: 'small', width: 64, layers: 8, heads: 2, headsOfState: 1, headWidth: 32, feedForward: 256 }

let folder = ''
let vocabulary = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fusion-speed-'))
  vocabulary = await takeVocabulary(folder)
})
afterAll(() => rm(folder, { recursive: true }))

test('a made model loads, counts a question to the token, and never ends its answer by itself', async () => {
  const path = await makeModel(small, vocabulary, folder)
  // One thread: ggml's threads spin for each other, which on a busy machine takes minutes.
  const llama = await getLlama({ gpu: false, maxThreads: 1, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.error })
  const model = await llama.loadModel({ modelPath: path })
  const context = await model.createContext({ contextSize: 512, threads: 1 })
  const sequence = context.getSequence()
  const prompt = model.tokenize(`<|im_start|>user\n${newQuestion(64)}<|im_end|>\n<|im_start|>assistant\n`, true)
  expect(prompt).toHaveLength(64)
  const said: string[] = []
  for await (const token of sequence.evaluate(prompt, { temperature: 0 })) {
    if (model.isEogToken(token)) break
    if (said.push(model.detokenize([token])) === 24) break
  }
  expect(said).toHaveLength(24)
  expect(said.every(piece => /^ ?[a-z]+$/.test(piece))).toBe(true)
  await llama.dispose()
})

test('two models made of the same shape are the same file', async () => {
  const hashes = await Promise.all(
    ['one', 'two'].map(async name => {
      const hash = createHash('sha256')
      for await (const chunk of createReadStream(await makeModel(small, vocabulary, join(folder, name)))) hash.update(chunk as Buffer)
      return hash.digest('hex')
    }),
  )
  expect(hashes[0]).toBe(hashes[1])
})

test('llama-quantize would choose the same formats for the same tensors', async context => {
  const { llamaQuantize } = await findRivals()
  context.skip(!llamaQuantize, 'llama-quantize is not built: npm run bench:rivals')
  for (const shape of [small, stateShape]) {
    const path = await makeModel(shape, vocabulary, folder)
    const { stdout, stderr } = await promisify(execFile)(llamaQuantize!, ['--allow-requantize', '--dry-run', path, 'Q4_K_M'])
    const sizes = [...`${stdout}${stderr}`.matchAll(/(?:model|quant) size\s*=\s*(\S+) MiB/g)].map(match => match[1])
    expect(sizes).toHaveLength(2)
    expect(sizes[0]).toBe(sizes[1])
  }
})
