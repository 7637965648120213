import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readGgufFileInfo } from 'node-llama-cpp'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Metadata, readMetadata, type Tensor, writeGguf } from './gguf.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fusion-gguf-'))
})
afterEach(() => rm(folder, { recursive: true }))

const metadata: Metadata = new Map([
  ['general.architecture', { kind: 'string', value: 'llama' }],
  ['llama.block_count', { kind: 'u32', value: 3 }],
  ['llama.rope.freq_base', { kind: 'f32', value: 10_000 }],
  ['tokenizer.ggml.add_bos_token', { kind: 'bool', value: false }],
  ['tokenizer.ggml.tokens', { kind: 'array', of: 'string', values: ['a', 'Ġé', '🙂'] }],
  ['tokenizer.ggml.token_type', { kind: 'array', of: 'i32', values: [1, -2, 3] }],
])
const tensors: Tensor[] = [
  { name: 'norm', type: 'F32', shape: [3], data: () => [new Uint8Array(12).fill(1)] },
  { name: 'matrix', type: 'Q8_0', shape: [64, 2], data: () => [new Uint8Array(100).fill(2), new Uint8Array(36).fill(3)] },
]

test('what is written is read back', async () => {
  const path = join(folder, 'model.gguf')
  await writeGguf(path, metadata, tensors)
  expect(await readMetadata(path)).toEqual(metadata)
})

test('node-llama-cpp reads the same, and finds each tensor where it lies', async () => {
  const path = join(folder, 'model.gguf')
  await writeGguf(path, metadata, tensors)
  const info = await readGgufFileInfo(path, { logWarnings: false })
  expect(info.metadata.tokenizer.ggml.tokens).toEqual(['a', 'Ġé', '🙂'])
  const found = info.fullTensorInfo ?? []
  expect(found.map(({ name, dimensions }) => ({ name, dimensions: dimensions.map(Number) }))).toEqual([
    { name: 'norm', dimensions: [3] },
    { name: 'matrix', dimensions: [64, 2] },
  ])
  const file = await readFile(path)
  const bytesOf = (tensor: number, from: number, to: number) => {
    const at = Number(found[tensor]!.fileOffset)
    return [...file.subarray(at + from, at + to)]
  }
  expect(bytesOf(0, 0, 12)).toEqual(Array(12).fill(1))
  expect(bytesOf(1, 99, 101)).toEqual([2, 3])
})

test('a tensor whose data does not fit its shape is refused', async () => {
  const short: Tensor = { name: 'short', type: 'F32', shape: [4], data: () => [new Uint8Array(12)] }
  await expect(writeGguf(join(folder, 'model.gguf'), metadata, [short])).rejects.toThrow('short has 12 bytes, but its shape says 16')
})
