import { closeSync, fstatSync, openSync } from 'node:fs'
import { basename } from 'node:path'
import { failure } from '@fusion/shared/contract/failures.ts'
import { createFileReader, type FileReader } from './file-reader.ts'
import { tensorTypes } from './types.ts'

export type MetadataValue = number | string | boolean | readonly number[]

/** The header of a GGUF file: what it says of itself, and whether it is whole. */
export interface GgufHeader {
  metadata: ReadonlyMap<string, MetadataValue>
  /** Elements of arrays, also of those too long to be read. */
  lengths: ReadonlyMap<string, number>
  tensors: number
  parameters: number
  /** Bytes of tensors in this file. */
  tensorBytes: number
  /** The type that most bytes are stored in. */
  mainType: string
  fileBytes: number
}

const MAX_TEXT = 16 * 1024 * 1024
const MAX_KEY = 65_535
/** Arrays of numbers up to this length are kept: heads of each layer, not scores of each token. */
const MAX_ARRAY = 4_096

/**
 * Reads the header of the GGUF file at `path`, and checks that every tensor it names lies within the file. Refuses with `model-file-gone`,
 * `model-not-gguf`, `model-corrupt`, `model-unsupported`. Format: github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
export function readGgufHeader(path: string): GgufHeader {
  const file = basename(path)
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (error) {
    throw isMissing(error) ? failure('model-file-gone', { model: file }) : failure('file-unreadable', { file }, { cause: error })
  }
  try {
    const stats = fstatSync(descriptor)
    if (!stats.isFile()) throw failure('model-not-gguf', { file })
    return read(createFileReader(descriptor, stats.size, file), stats.size, file)
  } finally {
    closeSync(descriptor)
  }
}

const isMissing = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOENT'

function read(reader: FileReader, size: number, file: string): GgufHeader {
  if (size < 4 || reader.bytes(4).toString('latin1') !== 'GGUF') throw failure('model-not-gguf', { file })
  const version = reader.u32()
  if (version === 1) throw failure('model-unsupported', { file, why: 'its format is too old' })
  // 2 and 3 with their bytes turned around.
  if (version === 0x02000000 || version === 0x03000000)
    throw failure('model-unsupported', { file, why: 'it is made for big-endian machines' })
  if (version < 2 || version > 1000) throw failure('model-corrupt', { file })
  if (version > 3) throw failure('model-unsupported', { file, why: 'its format is newer than this Fusion' })

  const tensors = reader.u64()
  const entries = reader.u64()
  const metadata = new Map<string, MetadataValue>()
  const lengths = new Map<string, number>()
  for (let index = 0; index < entries; index++) {
    const key = reader.text(MAX_KEY)
    const value = readValue(reader, reader.u32(), key, lengths, file)
    if (value !== undefined) metadata.set(key, value)
  }

  const ends: number[] = []
  const bytesByType = new Map<string, number>()
  let parameters = 0
  let tensorBytes = 0
  for (let index = 0; index < tensors; index++) {
    reader.skipText()
    const dimensions = reader.u32()
    if (dimensions < 1 || dimensions > 4) throw failure('model-corrupt', { file })
    let elements = 1
    let row = 0
    for (let dimension = 0; dimension < dimensions; dimension++) {
      const length = reader.u64()
      if (dimension === 0) row = length
      elements *= length
    }
    const type = tensorTypes.get(reader.u32())
    if (!type) throw failure('model-unsupported', { file, why: 'it uses a quantization that this Fusion does not know' })
    const offset = reader.u64()
    if (elements < 1 || !Number.isSafeInteger(elements) || row % type.elements !== 0) throw failure('model-corrupt', { file })
    const bytes = (elements / type.elements) * type.bytes
    ends.push(offset + bytes)
    parameters += elements
    tensorBytes += bytes
    bytesByType.set(type.name, (bytesByType.get(type.name) ?? 0) + bytes)
  }

  const alignment = metadata.get('general.alignment') ?? 32
  if (typeof alignment !== 'number' || alignment < 1 || alignment > 1 << 20) throw failure('model-corrupt', { file })
  const start = Math.ceil(reader.at / alignment) * alignment
  // A download that was cut off says so here.
  if (ends.some(end => start + end > size)) throw failure('model-corrupt', { file })
  const [[mainType] = ['']] = [...bytesByType].toSorted(([, a], [, b]) => b - a)
  return { metadata, lengths, tensors, parameters, tensorBytes, mainType, fileBytes: size }
}

function readValue(reader: FileReader, type: number, key: string, lengths: Map<string, number>, file: string): MetadataValue | undefined {
  if (type !== ARRAY) return readScalar(reader, type, file)
  const itemType = reader.u32()
  const length = reader.u64()
  lengths.set(key, length)
  if (itemType === ARRAY) throw failure('model-unsupported', { file, why: 'its header is of an unknown form' })
  if (itemType === TEXT) {
    for (let index = 0; index < length; index++) reader.skipText()
    return undefined
  }
  const bytes = scalarBytes[itemType]
  if (bytes === undefined) throw failure('model-corrupt', { file })
  if (length > MAX_ARRAY) {
    reader.skip(length * bytes)
    return undefined
  }
  return Array.from({ length }, () => Number(readScalar(reader, itemType, file)))
}

const TEXT = 8
const ARRAY = 9
/** Bytes of each kind of scalar: u8 i8 u16 i16 u32 i32 f32 bool – – u64 i64 f64. */
const scalarBytes: readonly (number | undefined)[] = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8]

function readScalar(reader: FileReader, type: number, file: string): number | string | boolean {
  switch (type) {
    case 0:
      return reader.u8()
    case 1:
      return reader.bytes(1).readInt8()
    case 2:
      return reader.bytes(2).readUInt16LE()
    case 3:
      return reader.bytes(2).readInt16LE()
    case 4:
      return reader.u32()
    case 5:
      return reader.bytes(4).readInt32LE()
    case 6:
      return reader.bytes(4).readFloatLE()
    case 7:
      return reader.u8() !== 0
    case TEXT:
      return reader.text(MAX_TEXT)
    case 10:
      return Number(reader.bytes(8).readBigUInt64LE())
    case 11:
      return reader.i64()
    case 12:
      return reader.bytes(8).readDoubleLE()
    default:
      throw failure('model-corrupt', { file })
  }
}
