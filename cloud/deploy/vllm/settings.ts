// The form of settings.json, and what its numbers mean in memory. serve.py starts servers by the same file.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false }
const Name = Type.String({ minLength: 1 })
const Count = Type.Integer({ minimum: 1 })
const Arguments = Type.Record(Name, Type.Union([Name, Type.Literal(true), Type.Number()]))
const Environment = Type.Record(Type.String({ pattern: '^VLLM_[A-Z_]+$' }), Name)

const Sized = Type.Object(
  {
    /** Of the whole GPU; where it is not said, the server has it alone. */
    'gpu-memory-utilization': Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 0.9 })),
    'max-model-len': Count,
    'max-num-seqs': Count,
    /** Where the card computes in FP8. */
    fp8KvCache: Type.Optional(Type.Boolean()),
  },
  closed,
)
const Sizes = Type.Record(Type.String({ pattern: '^([2-8]x)?\\d+gb$' }), Sized)
const Weights = Type.Object({ repository: Name, revision: Type.Optional(Name), format: Name, bitsPerWeight: Type.Number() }, closed)

const Model = Type.Object(
  {
    title: Name,
    weights: Type.Object({ any: Weights, ampere: Type.Optional(Weights) }, closed),
    shape: Type.Object(
      { layers: Count, width: Count, feedForward: Count, heads: Count, kvHeads: Count, headSize: Count, vocabulary: Count },
      closed,
    ),
    window: Count,
    fp8KvCache: Type.Boolean(),
    speculative: Type.Record(Name, Type.Record(Name, Type.Union([Name, Count]))),
    on: Sizes,
    shared: Sizes,
  },
  closed,
)

export const Settings = Type.Object(
  {
    checkedWith: Name,
    always: Arguments,
    environment: Environment,
    withSleep: Type.Object({ arguments: Arguments, environment: Environment }, closed),
    withFp8KvCache: Arguments,
    reasons: Type.Record(Name, Type.Object({ why: Name, source: Name }, closed)),
    leftToVllm: Type.Record(Name, Name),
    memory: Type.Object(
      {
        aloneUtilization: Type.Number(),
        reserveGiB: Type.Number(),
        reserveGiBInTensorParallel: Type.Number(),
        tokensPerRequest: Count,
        why: Name,
      },
      closed,
    ),
    /** `memoryGiB`: of the smallest card of that size, as CUDA sees it. */
    gpus: Type.Record(Name, Type.Object({ memoryGiB: Type.Number() }, closed)),
    cards: Type.Record(
      Name,
      Type.Object({ gpu: Name, generation: Type.Union([Type.Literal('ampere'), Type.Literal('ada'), Type.Literal('hopper')]) }, closed),
    ),
    models: Type.Record(Name, Model),
  },
  closed,
)
export type Settings = Static<typeof Settings>
type Model = Static<typeof Model>
type Weights = Static<typeof Weights>
type Sized = Static<typeof Sized>

/** As it lies in the file: a test holds it to its form. */
export const readSettings = (): Settings => JSON.parse(readFileSync(join(import.meta.dirname, 'settings.json'), 'utf8')) as Settings

const GIB = 1024 ** 3
const BYTES_OF_16_BITS = 2

/** Of all GPUs together: the layers as they are packed, with the words of the vocabulary, in and out, at 16 bits. */
export function weightsGiB({ shape, bitsPerWeight }: Pick<Model, 'shape'> & Pick<Weights, 'bitsPerWeight'>): number {
  const { layers, width, feedForward, heads, kvHeads, headSize, vocabulary } = shape
  const attention = 2 * width * heads * headSize + 2 * width * kvHeads * headSize
  const packed = layers * (attention + 3 * width * feedForward)
  return ((packed * bitsPerWeight) / 8 + 2 * vocabulary * width * BYTES_OF_16_BITS) / GIB
}

/** Key and value in every layer, for one token. */
export const kvBytesPerToken = ({ layers, kvHeads, headSize }: Model['shape'], fp8: boolean): number =>
  2 * layers * kvHeads * headSize * (fp8 ? 1 : BYTES_OF_16_BITS)

export interface Placed {
  model: string
  /** A card, or several: `2xl4`. */
  gpu: string
  shared: boolean
  sized: Sized
  count: number
  /** How many tokens its KV cache holds, of all requests together. */
  roomTokens: number
}

/** Every model on every card that it has settings for. */
export function everyPlace({ models, cards, gpus, memory }: Settings): Placed[] {
  const places: Placed[] = []
  for (const [model, about] of Object.entries(models)) {
    for (const shared of [false, true]) {
      for (const [size, sized] of Object.entries(shared ? about.shared : about.on)) {
        const [many, gpu] = size.includes('x') ? (size.split('x') as [string, string]) : ['1', size]
        for (const [card, { generation }] of Object.entries(cards).filter(([, one]) => one.gpu === gpu)) {
          const count = Number(many)
          const packed = generation === 'ampere' ? (about.weights.ampere ?? about.weights.any) : about.weights.any
          const mayTake = (sized['gpu-memory-utilization'] ?? memory.aloneUtilization) * gpus[gpu]!.memoryGiB
          const reserve = count > 1 ? memory.reserveGiBInTensorParallel : memory.reserveGiB
          const left = count * (mayTake - reserve) - weightsGiB({ shape: about.shape, bitsPerWeight: packed.bitsPerWeight })
          const fp8 = sized.fp8KvCache === true && generation !== 'ampere'
          const roomTokens = Math.floor((left * GIB) / kvBytesPerToken(about.shape, fp8))
          places.push({ model, gpu: count > 1 ? `${count}x${card}` : card, shared, sized, count, roomTokens })
        }
      }
    }
  }
  return places
}
