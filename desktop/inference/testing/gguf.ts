/** A value of a GGUF header: the types that tests need. */
export type Value = string | number | boolean | string[]

export interface TestTensor {
  name?: string
  dimensions?: (number | bigint)[]
  type?: number
  offset?: number | bigint
}

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
const u64 = (value: number | bigint) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
const text = (value: string) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)])

function encode(value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([u32(8), text(value)])
  if (typeof value === 'boolean') return Buffer.concat([u32(7), Buffer.from([Number(value)])])
  if (typeof value === 'number') return Buffer.concat([u32(4), u32(value)])
  return Buffer.concat([u32(9), u32(8), u64(value.length), ...value.map(text)])
}

/** A GGUF file in its smallest form. */
export function ggufFile(metadata: Record<string, Value>, tensors: TestTensor[] = [{}], { version = 3, dataBytes = 128 } = {}): Buffer {
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    u32(version),
    u64(tensors.length),
    u64(Object.keys(metadata).length),
    ...Object.entries(metadata).flatMap(([key, value]) => [text(key), encode(value)]),
    ...tensors.flatMap(({ name = 'token_embd.weight', dimensions = [8, 4], type = 0, offset = 0 }) => [
      text(name),
      u32(dimensions.length),
      ...dimensions.map(u64),
      u32(type),
      u64(offset),
    ]),
  ])
  const padding = Buffer.alloc((32 - (header.length % 32)) % 32)
  return Buffer.concat([header, padding, Buffer.alloc(dataBytes)])
}

/** What a chat model says of itself at the least. */
export const llamaMetadata: Record<string, Value> = {
  'general.architecture': 'llama',
  'llama.block_count': 1,
  'llama.embedding_length': 8,
  'llama.attention.head_count': 2,
  'llama.context_length': 64,
  'tokenizer.ggml.tokens': ['a', 'b', 'c', 'd'],
}
