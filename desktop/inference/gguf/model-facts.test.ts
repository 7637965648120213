import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { everyday } from '../handlers.ts'
import { openLlama } from '../llama.ts'
import { nativeBindings } from '../native.ts'
import { ggufFile, llamaMetadata, type TestTensor, type Value } from '../testing/gguf.ts'
import { guide, guideF16, processOfTest, testFolder } from '../testing/inference.ts'
import { readModelFacts } from './model-facts.ts'
import { tensorTypes } from './types.ts'

function fileOf(bytes: Buffer, name = 'model.gguf'): string {
  const path = join(testFolder(), name)
  writeFileSync(path, bytes)
  return path
}
const factsOf = (metadata: Record<string, Value>, tensors?: TestTensor[], options?: Parameters<typeof ggufFile>[2]) =>
  readModelFacts(fileOf(ggufFile(metadata, tensors, options)))

test('the guide says what it is', () => {
  const { file, shape } = readModelFacts(guide)
  expect(file).toEqual({
    name: 'Fusion Guide',
    architecture: 'llama',
    quantization: 'Q4_K_M',
    parameters: 5246208,
    trainedContextTokens: 2048,
    hasTemplate: true,
    bytes: 3280896,
  })
  expect(shape).toMatchObject({ stateBytesPerToken: 3072, vocabularyTokens: 2048, embeddingLength: 256, feedForwardLength: 768 })
  expect(readModelFacts(guideF16).file).toMatchObject({ quantization: 'F16', parameters: 5246208 })
})

test('sizes of tensor types are those of the library in use', async () => {
  const bindings = nativeBindings(await openLlama('cpu')) as unknown as {
    getBlockSizeForGgmlType(type: number): number | undefined
    getTypeSizeForGgmlType(type: number): number | undefined
  }
  for (const [id, { name, elements, bytes }] of tensorTypes) {
    expect([name, bindings.getBlockSizeForGgmlType(id), bindings.getTypeSizeForGgmlType(id)]).toEqual([name, elements, bytes])
  }
})

test('architectures that are not looked up are known to the library in use', async () => {
  const bindings = nativeBindings(await openLlama('cpu'))
  for (const architecture of everyday) expect([architecture, bindings.getIsArchSupported(architecture)]).toEqual([architecture, true])
})

test('the smallest chat model is accepted, without a name or a template', () => {
  expect(factsOf(llamaMetadata).file).toEqual({
    name: 'model',
    architecture: 'llama',
    quantization: 'F32',
    parameters: 32,
    trainedContextTokens: 64,
    hasTemplate: false,
    bytes: expect.any(Number),
  })
})

const refused: [what: string, bytes: () => Buffer, code: string, why?: RegExp][] = [
  ['an empty file', () => Buffer.alloc(0), 'model-not-gguf'],
  ['a text file', () => Buffer.from('Dear diary, today I wrote no model.'), 'model-not-gguf'],
  ['a zip', () => Buffer.from('PK\u0003\u0004 and so on'), 'model-not-gguf'],
  ['only the first word', () => Buffer.from('GGUF'), 'model-corrupt'],
  ['version 1', () => ggufFile(llamaMetadata, [{}], { version: 1 }), 'model-unsupported', /too old/],
  ['version 4', () => ggufFile(llamaMetadata, [{}], { version: 4 }), 'model-unsupported', /newer/],
  ['turned-around bytes', () => ggufFile(llamaMetadata, [{}], { version: 0x03000000 }), 'model-unsupported', /big-endian/],
  ['a download cut off in the weights', () => ggufFile(llamaMetadata, [{}], { dataBytes: 100 }), 'model-corrupt'],
  ['the guide, one byte short', () => readFileSync(guide).subarray(0, -1), 'model-corrupt'],
  ['the guide, cut in its header', () => readFileSync(guide).subarray(0, 9_000), 'model-corrupt'],
  ['a tensor of 2^60 elements', () => ggufFile(llamaMetadata, [{ dimensions: [2n ** 30n, 2n ** 30n] }]), 'model-corrupt'],
  ['a tensor of no elements', () => ggufFile(llamaMetadata, [{ dimensions: [0, 4] }]), 'model-corrupt'],
  ['a tensor far behind the end', () => ggufFile(llamaMetadata, [{ offset: 2n ** 50n }]), 'model-corrupt'],
  ['five dimensions', () => ggufFile(llamaMetadata, [{ dimensions: [1, 1, 1, 1, 1] }]), 'model-corrupt'],
  ['an unknown quantization', () => ggufFile(llamaMetadata, [{ type: 250 }]), 'model-unsupported', /quantization/],
  ['rows that are not whole blocks', () => ggufFile(llamaMetadata, [{ dimensions: [8, 4], type: 12 }]), 'model-corrupt'],
  ['no architecture', () => ggufFile({}), 'model-corrupt'],
  ['no layers', () => ggufFile({ ...llamaMetadata, 'llama.block_count': 0 }), 'model-corrupt'],
  ['four billion layers', () => ggufFile({ ...llamaMetadata, 'llama.block_count': 4e9 }), 'model-corrupt'],
  ['a size that is a word', () => ggufFile({ ...llamaMetadata, 'llama.embedding_length': 'wide' }), 'model-corrupt'],
  ['no vocabulary', () => ggufFile({ ...llamaMetadata, 'tokenizer.ggml.tokens': [] }), 'model-corrupt'],
  ['a vocabulary alone', () => ggufFile(llamaMetadata, []), 'model-unsupported', /vocabulary/],
  ['an adapter', () => ggufFile({ ...llamaMetadata, 'general.type': 'adapter' }), 'model-unsupported', /adapts/],
  ['an embedding model', () => ggufFile({ ...llamaMetadata, 'general.architecture': 'nomic-bert' }), 'model-unsupported', /embeddings/],
  [
    'an embedding model on a chat architecture',
    () => ggufFile({ ...llamaMetadata, 'llama.pooling_type': 3 }),
    'model-unsupported',
    /embeddings/,
  ],
  ['the eyes of a model', () => ggufFile({ ...llamaMetadata, 'general.architecture': 'clip' }), 'model-unsupported', /eyes/],
]

test.each(refused)('%s is refused in words', (_, bytes, code, why) => {
  const path = fileOf(bytes(), 'picked.gguf')
  try {
    readModelFacts(path)
  } catch (error) {
    expect(error).toMatchObject({ code, detail: { file: 'picked.gguf' } })
    if (why) expect((error as Failure).detail?.['why']).toMatch(why)
    return
  }
  expect.unreachable('it was accepted')
})

test('a file that is not there, and a folder', () => {
  const folder = testFolder()
  expect(() => readModelFacts(join(folder, 'gone.gguf'))).toThrow(expect.objectContaining({ code: 'model-file-gone' }))
  expect(() => readModelFacts(folder)).toThrow(expect.objectContaining({ code: 'model-not-gguf', detail: { file: basename(folder) } }))
})

test('a model in two files is read as one, and refused when the second is missing', () => {
  const folder = testFolder()
  const first = join(folder, 'split-00001-of-00002.gguf')
  writeFileSync(first, ggufFile(llamaMetadata))
  expect(() => readModelFacts(first)).toThrow(expect.objectContaining({ code: 'model-file-gone' }))
  writeFileSync(join(folder, 'split-00002-of-00002.gguf'), ggufFile({}, [{ name: 'output.weight' }]))
  expect(readModelFacts(first).file).toMatchObject({ name: 'split', parameters: 64 })
})

test('a name from a file becomes one short line', () => {
  expect(factsOf({ ...llamaMetadata, 'general.name': '\u202Eevil\n\u0000name ' + 'x'.repeat(300) }).file.name).toMatch(
    /^evil name x{1,90}$/,
  )
})

test('whatever is changed in a header, it is read or refused, and nothing else', () => {
  const whole = readFileSync(guide)
  const path = fileOf(whole)
  const known = ['model-corrupt', 'model-not-gguf', 'model-unsupported']
  // The first 2,000 bytes hold all counts and sizes; what follows is the vocabulary, and the list of tensors at its end.
  const places = fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 90_000 }))
  const change = fc.record({ at: places, byte: fc.constantFrom(0x00, 0x01, 0x7f, 0x80, 0xff), length: fc.integer({ min: 1, max: 8 }) })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.option(fc.integer({ min: 0, max: 90_000 })), (changes, cut) => {
      const bytes = Buffer.from(whole.subarray(0, 100_000))
      for (const { at, byte, length } of changes) bytes.fill(byte, at, at + length)
      writeFileSync(path, cut === null ? Buffer.concat([bytes, whole.subarray(100_000)]) : bytes.subarray(0, cut))
      try {
        readModelFacts(path)
      } catch (error) {
        expect(error).toBeInstanceOf(Failure)
        expect(known).toContain((error as Failure).code)
      }
    }),
    { numRuns: 150 },
  )
})

test('an inference process refuses an architecture that its llama.cpp does not know, and hashes a file', async () => {
  const { client } = processOfTest()
  const metadata = Object.fromEntries(Object.entries(llamaMetadata).map(([key, value]) => [key.replace('llama.', 'nextthing.'), value]))
  const path = fileOf(ggufFile({ ...metadata, 'general.architecture': 'nextthing' }))
  await expect(client.model.inspect({ path })).rejects.toMatchObject({ code: 'model-unsupported', detail: { file: 'model.gguf' } })
  expect(await client.model.inspect({ path: guide })).toEqual(readModelFacts(guide).file)
  const events = []
  for await (const event of client.model.hash({ path: guide })) events.push(event)
  expect(events.at(-1)).toEqual({ type: 'hash-finished', hash: '63be28d0d8ef161a963d180b47b5e20fa800a1f5b2ba1c52d2e8f58d8b24cd87' })
})
