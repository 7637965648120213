import { basename } from 'node:path'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { ModelFile } from '@fusion/shared/contract/model.ts'
import type { ModelShape } from '../memory.ts'
import { type GgufHeader, readGgufHeader } from './header.ts'
import { partsOf } from './parts.ts'
import { fileTypes } from './types.ts'

export interface ModelFacts {
  file: ModelFile
  shape: ModelShape
}

/** Architectures that read text and write none, or write something else. */
const notForChat = new Map<RegExp, string>([
  [/bert|^gemma-embedding$|^llama-embed$/, 'it makes embeddings, not answers'],
  [/^(t5|t5encoder)$/, 'it is an encoder–decoder'],
  [/^(clip|mmproj)$/, 'it is only the eyes of a model'],
  [/^wavtokenizer|^mimi$/, 'it is for sound'],
  [/^(dream|llada|llada-moe|rnd1)$/, 'it writes by diffusion'],
])

/** Reads a model file, all parts of it, and says what it is. Refuses with `model-corrupt`, `model-not-gguf`, `model-unsupported`, `model-file-gone`. */
export function readModelFacts(path: string): ModelFacts {
  const [header, ...others] = partsOf(path).map(readGgufHeader)
  const name = basename(path)
  if (!header) throw failure('model-corrupt', { file: name })
  const refuse = (why: string) => failure('model-unsupported', { file: name, why })
  const text = (key: string) => {
    const value = header.metadata.get(key)
    return typeof value === 'string' ? value : undefined
  }

  const architecture = text('general.architecture') ?? ''
  if (!/^[\w.-]{1,64}$/.test(architecture)) throw failure('model-corrupt', { file: name })
  const kind = text('general.type') ?? 'model'
  if (kind !== 'model') throw refuse(kind === 'adapter' ? 'it only adapts another model' : 'it is not a whole model')
  for (const [pattern, why] of notForChat) if (pattern.test(architecture)) throw refuse(why)
  // Embedding models on a chat model's architecture say how they pool.
  if (header.metadata.has(`${architecture}.pooling_type`)) throw refuse('it makes embeddings, not answers')
  const all = [header, ...others]
  if (sum(all, part => part.tensors) === 0) throw refuse('it holds a vocabulary and no model')

  const shape = shapeOf(
    header,
    architecture,
    sum(all, part => part.tensorBytes),
    name,
  )
  const fileType = header.metadata.get('general.file_type')
  return {
    shape,
    file: {
      name: title(text('general.name')) ?? name.replace(/(-\d{5}-of-\d{5})?\.gguf$/i, ''),
      architecture,
      quantization: (typeof fileType === 'number' ? fileTypes.get(fileType) : undefined) ?? header.mainType,
      parameters: sum(all, part => part.parameters),
      trainedContextTokens: shape.trainedContextTokens,
      hasTemplate: (text('tokenizer.chat_template') ?? '') !== '',
      bytes: sum(all, part => part.fileBytes),
    },
  }
}

const sum = (all: readonly GgufHeader[], count: (part: GgufHeader) => number) => all.reduce((total, part) => total + count(part), 0)

/** A name from a file is anybody's text: one line, no longer than a line. */
function title(name: string | undefined): string | undefined {
  const clean = name
    ?.replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, 100)
  return clean === '' ? undefined : clean
}

function shapeOf({ metadata, lengths }: GgufHeader, architecture: string, weightBytes: number, file: string): ModelShape {
  /** A size of the model; where it differs from layer to layer, the sum or the largest. */
  const size = (key: string, most: number, join: (values: readonly number[]) => number): number | undefined => {
    const value = metadata.get(`${architecture}.${key}`)
    if (value === undefined) return undefined
    const joined = typeof value === 'number' ? value : typeof value === 'object' ? join(value) : Number.NaN
    if (!(joined >= 0 && joined <= most)) throw failure('model-corrupt', { file })
    return joined
  }
  const largest = (values: readonly number[]) => Math.max(0, ...values)
  const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)

  const layers = size('block_count', 10_000, largest)
  const embeddingLength = size('embedding_length', 1_000_000, largest)
  const vocabularyTokens = lengths.get('tokenizer.ggml.tokens') ?? 0
  if (!layers || !embeddingLength || vocabularyTokens === 0) throw failure('model-corrupt', { file })
  const heads = size('attention.head_count', 100_000, largest) ?? 0
  const keyValueHeads = metadata.get(`${architecture}.attention.head_count_kv`)
  const allHeads = Array.isArray(keyValueHeads)
    ? (size('attention.head_count_kv', 10_000_000, total) ?? 0)
    : (size('attention.head_count_kv', 100_000, total) ?? heads) * layers
  const headLength = heads > 0 ? embeddingLength / heads : 0
  const keys = size('attention.key_length', 1_000_000, largest) ?? headLength
  const values = size('attention.value_length', 1_000_000, largest) ?? headLength
  return {
    weightBytes,
    // Keys and values of each layer's heads in 16 bits.
    stateBytesPerToken: Math.ceil(allHeads * (keys + values) * 2),
    vocabularyTokens,
    embeddingLength,
    feedForwardLength: size('feed_forward_length', 10_000_000, largest) ?? 0,
    trainedContextTokens: Math.max(1, size('context_length', 2 ** 31, largest) ?? 2048),
  }
}
