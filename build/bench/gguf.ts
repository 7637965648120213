// Reads the metadata of a GGUF file, and writes whole ones: all that is needed to make a model on the spot.
// The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (version 3, little endian).
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const MAGIC = 0x46554747 // "GGUF"
const VERSION = 3
const ALIGNMENT = 32

const kinds = ['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'f32', 'bool', 'string', 'array', 'u64', 'i64', 'f64'] as const
type Kind = (typeof kinds)[number]

export type MetadataValue =
  | { kind: Exclude<Kind, 'array'>; value: number | string | boolean }
  | { kind: 'array'; of: Exclude<Kind, 'array'>; values: (number | string | boolean)[] }
export type Metadata = Map<string, MetadataValue>

/** The block formats used here: elements and bytes of one block, and the number that stands for it in the file. */
export const tensorTypes = {
  F32: { id: 0, elements: 1, bytes: 4 },
  Q5_0: { id: 6, elements: 32, bytes: 22 },
  Q8_0: { id: 8, elements: 32, bytes: 34 },
  Q4_K: { id: 12, elements: 256, bytes: 144 },
  Q6_K: { id: 14, elements: 256, bytes: 210 },
} as const
export type TensorType = keyof typeof tensorTypes

export interface Tensor {
  name: string
  type: TensorType
  /** Elements of a row first, as ggml counts. */
  shape: number[]
  /** Exactly the tensor's bytes, in as many pieces as is convenient. */
  data: () => Iterable<Uint8Array>
}

/** The metadata of a GGUF file; the whole file is read into memory, so this is for vocabularies (6 MB). */
export async function readMetadata(path: string): Promise<Metadata> {
  const file = await readFile(path)
  let at = 0
  const take = (bytes: number) => (at += bytes) - bytes
  const u64 = () => Number(file.readBigUInt64LE(take(8)))
  const string = () => {
    const bytes = u64()
    return file.toString('utf8', take(bytes), at)
  }
  const scalars: Record<Exclude<Kind, 'array'>, () => number | string | boolean> = {
    u8: () => file.readUInt8(take(1)),
    i8: () => file.readInt8(take(1)),
    u16: () => file.readUInt16LE(take(2)),
    i16: () => file.readInt16LE(take(2)),
    u32: () => file.readUInt32LE(take(4)),
    i32: () => file.readInt32LE(take(4)),
    f32: () => file.readFloatLE(take(4)),
    bool: () => file.readUInt8(take(1)) === 1,
    string,
    u64,
    i64: () => Number(file.readBigInt64LE(take(8))),
    f64: () => file.readDoubleLE(take(8)),
  }
  const kind = () => kinds[file.readUInt32LE(take(4))]!
  if (file.readUInt32LE(take(4)) !== MAGIC) throw new Error(`${path} is not a GGUF file`)
  take(4) // version
  take(8) // number of tensors
  const metadata: Metadata = new Map()
  for (let left = u64(); left > 0; left--) {
    const key = string()
    const type = kind()
    if (type !== 'array') {
      metadata.set(key, { kind: type, value: scalars[type]() })
      continue
    }
    const of = kind()
    if (of === 'array') throw new Error(`${path} holds an array of arrays, which no model does`)
    metadata.set(key, { kind: 'array', of, values: Array.from({ length: u64() }, scalars[of]) })
  }
  return metadata
}

function bytesOf({ type, shape }: Tensor): number {
  const { elements, bytes } = tensorTypes[type]
  if (shape[0]! % elements !== 0) throw new Error(`A row of ${shape[0]} does not divide into ${type} blocks`)
  return (shape.reduce((product, side) => product * side, 1) / elements) * bytes
}

const padding = (bytes: number) => (ALIGNMENT - (bytes % ALIGNMENT)) % ALIGNMENT

function header(metadata: Metadata, tensors: Tensor[]): Buffer {
  const pieces: Buffer[] = []
  const write = (bytes: number, fill: (piece: Buffer) => unknown) => {
    const piece = Buffer.alloc(bytes)
    fill(piece)
    pieces.push(piece)
  }
  const u32 = (value: number) => write(4, piece => piece.writeUInt32LE(value))
  const u64 = (value: number) => write(8, piece => piece.writeBigUInt64LE(BigInt(value)))
  const string = (text: string) => {
    const bytes = Buffer.from(text)
    u64(bytes.length)
    pieces.push(bytes)
  }
  const scalars: Partial<Record<Kind, (value: number | string | boolean) => void>> = {
    u32: value => u32(value as number),
    i32: value => write(4, piece => piece.writeInt32LE(value as number)),
    f32: value => write(4, piece => piece.writeFloatLE(value as number)),
    bool: value => write(1, piece => piece.writeUInt8(value ? 1 : 0)),
    string: value => string(value as string),
    u64: value => u64(value as number),
  }
  const scalar = (kind: Kind) => {
    const writer = scalars[kind]
    if (!writer) throw new Error(`Metadata of kind ${kind} is not written here`)
    return writer
  }

  u32(MAGIC)
  u32(VERSION)
  u64(tensors.length)
  u64(metadata.size)
  for (const [key, entry] of metadata) {
    string(key)
    u32(kinds.indexOf(entry.kind))
    if (entry.kind !== 'array') {
      scalar(entry.kind)(entry.value)
      continue
    }
    u32(kinds.indexOf(entry.of))
    u64(entry.values.length)
    entry.values.forEach(scalar(entry.of))
  }
  let offset = 0
  for (const tensor of tensors) {
    string(tensor.name)
    u32(tensor.shape.length)
    tensor.shape.forEach(u64)
    u32(tensorTypes[tensor.type].id)
    u64(offset)
    const bytes = bytesOf(tensor)
    offset += bytes + padding(bytes)
  }
  const bytes = Buffer.concat(pieces)
  return Buffer.concat([bytes, Buffer.alloc(padding(bytes.length))])
}

/** Writes a GGUF file, tensor by tensor, so that it never lies in memory as a whole. */
export async function writeGguf(path: string, metadata: Metadata, tensors: Tensor[]): Promise<void> {
  function* pieces() {
    yield header(metadata, tensors)
    for (const tensor of tensors) {
      let bytes = 0
      for (const piece of tensor.data()) {
        bytes += piece.length
        yield piece
      }
      if (bytes !== bytesOf(tensor)) throw new Error(`${tensor.name} has ${bytes} bytes, but its shape says ${bytesOf(tensor)}`)
      yield Buffer.alloc(padding(bytes))
    }
  }
  await pipeline(Readable.from(pieces(), { objectMode: true, highWaterMark: 4 }), createWriteStream(path))
}
