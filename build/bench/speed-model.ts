// Models of random weights, made on the spot: right for speed, for their answers are noise. Nothing is downloaded, and no Python is needed.
import { createCipheriv } from 'node:crypto'
import { access, mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type Metadata, type MetadataValue, readMetadata, type Tensor, type TensorType, tensorTypes, writeGguf } from './gguf.ts'

export interface Shape {
  /** Also the name of the file. Count it up when what is written changes: files are kept between runs. */
  name: string
  architecture: 'qwen2' | 'llama'
  width: number
  layers: number
  heads: number
  headsOfState: number
  headWidth: number
  feedForward: number
  bias: boolean
}

/** Qwen2.5-0.5B, to the tensor. */
export const speedShape: Shape = {
  name: 'speed-0.5b-q4_k_m',
  architecture: 'qwen2',
  width: 896,
  layers: 24,
  heads: 14,
  headsOfState: 2,
  headWidth: 64,
  feedForward: 4864,
  bias: true,
}

/** Thin everywhere but in its KV state, which is that of Llama-3.1-8B: 32 layers of 8 heads of 128, 128 KiB a token in f16. */
export const stateShape: Shape = {
  name: 'state-8b-q4_k_m',
  architecture: 'llama',
  width: 256,
  layers: 32,
  heads: 8,
  headsOfState: 8,
  headWidth: 128,
  feedForward: 256,
  bias: false,
}

const CONTEXT_TOKENS = 32_768
const PIECE_BYTES = 1 << 20
/** Spread of the weights: that of a freshly initialised transformer. */
const DEVIATION = 0.02

// ChatML, as Qwen2.5 has it, but without the system prompt that its own template adds where there is none.
const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

const string = (value: string): MetadataValue => ({ kind: 'string', value })
const u32 = (value: number): MetadataValue => ({ kind: 'u32', value })
const f32 = (value: number): MetadataValue => ({ kind: 'f32', value })

function describe(shape: Shape, vocabulary: Metadata): Metadata {
  const tokens = vocabulary.get('tokenizer.ggml.tokens')
  if (tokens?.kind !== 'array') throw new Error('The vocabulary has no tokens')
  const key = (name: string) => `${shape.architecture}.${name}`
  return new Map([
    ['general.architecture', string(shape.architecture)],
    ['general.name', string(`Random weights (${shape.name})`)],
    ['general.file_type', u32(15)], // mostly Q4_K_M
    ['general.quantization_version', u32(2)],
    [key('context_length'), u32(CONTEXT_TOKENS)],
    [key('embedding_length'), u32(shape.width)],
    [key('block_count'), u32(shape.layers)],
    [key('feed_forward_length'), u32(shape.feedForward)],
    [key('attention.head_count'), u32(shape.heads)],
    [key('attention.head_count_kv'), u32(shape.headsOfState)],
    [key('attention.key_length'), u32(shape.headWidth)],
    [key('attention.value_length'), u32(shape.headWidth)],
    [key('rope.dimension_count'), u32(shape.headWidth)],
    [key('rope.freq_base'), f32(1_000_000)],
    [key('attention.layer_norm_rms_epsilon'), f32(1e-6)],
    [key('vocab_size'), u32(tokens.values.length)],
    ...[...vocabulary].filter(([name]) => name.startsWith('tokenizer.')),
    ['tokenizer.ggml.eos_token_id', u32(tokens.values.indexOf('<|im_end|>'))],
    ['tokenizer.ggml.add_bos_token', { kind: 'bool', value: false }],
    ['tokenizer.chat_template', string(CHAT_TEMPLATE)],
  ])
}

/**
 * The scales that make random block contents weights of DEVIATION around 0, at the bytes where the format keeps them. All else in a block may
 * be any bytes. f16(x) writes a half-precision float.
 */
const scales: Record<Exclude<TensorType, 'F32'>, (block: DataView) => void> = {
  Q8_0: block => block.setFloat16(0, DEVIATION / 73.9, true), // 8-bit integers: deviation 73.9
  Q5_0: block => block.setFloat16(0, DEVIATION / 9.2, true), // −16 … 15: deviation 9.2
  Q4_K: block => {
    // Weights are d·32·q − m·32 with q of 0 … 15 (deviation 4.6, mean 7.5); 32 in each 6-bit scale is these bytes.
    const d = DEVIATION / 4.6 / 32
    block.setFloat16(0, d, true)
    block.setFloat16(2, d * 7.5, true)
    for (let at = 4; at < 16; at++) block.setUint8(at, at < 12 ? 0xa0 : 0)
  },
  Q6_K: block => {
    // Weights are d·8·(q − 32) with q of 0 … 63 (deviation 18.5).
    for (let at = 192; at < 208; at++) block.setInt8(at, 8)
    block.setFloat16(208, DEVIATION / 18.5 / 8, true)
  },
}

/** Endless bytes that look random and are the same in every run. */
function createNoise(): (bytes: number) => Buffer {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16))
  return bytes => cipher.update(Buffer.alloc(bytes))
}

/** Which rows of the (tied) embedding are silent: a token whose row is zero has logit 0 and is never the likeliest. */
function silentTokens(vocabulary: Metadata): boolean[] {
  const tokens = vocabulary.get('tokenizer.ggml.tokens')
  if (tokens?.kind !== 'array') throw new Error('The vocabulary has no tokens')
  // Only whole English-looking words are ever said, so an answer never ends by itself and no character is split between two tokens.
  return tokens.values.map(token => !/^Ġ[a-z]{2,9}$/.test(String(token)))
}

// K-quants want rows of a multiple of 256; other rows fall back to the next format with small blocks.
const few = (columns: number) => (columns % 256 === 0 ? 'Q4_K' : 'Q5_0')
const more = (columns: number) => (columns % 256 === 0 ? 'Q6_K' : 'Q8_0')

const ones = (name: string, length: number): Tensor => ({
  name,
  type: 'F32',
  shape: [length],
  data: () => [Buffer.from(new Float32Array(length).fill(1).buffer)],
})

function tensorsOf(shape: Shape, silent: boolean[]): Tensor[] {
  const noise = createNoise()
  const small = (name: string, length: number): Tensor => ({
    name,
    type: 'F32',
    shape: [length],
    data: () => [Buffer.from(Float32Array.from(noise(length), byte => ((byte - 127.5) / 73.9) * DEVIATION).buffer)],
  })
  function matrix(name: string, type: Exclude<TensorType, 'F32'>, columns: number, rows: number, isSilent?: boolean[]): Tensor {
    const { elements, bytes } = tensorTypes[type]
    const rowBytes = (columns / elements) * bytes
    function* data() {
      const step = Math.max(1, Math.floor(PIECE_BYTES / rowBytes))
      for (let row = 0; row < rows; row += step) {
        const piece = noise(Math.min(step, rows - row) * rowBytes)
        for (let at = 0; at < piece.length; at += bytes) scales[type](new DataView(piece.buffer, piece.byteOffset + at, bytes))
        if (isSilent)
          for (let i = 0; i * rowBytes < piece.length; i++) if (isSilent[row + i]) piece.fill(0, i * rowBytes, (i + 1) * rowBytes)
        yield piece
      }
    }
    return { name, type, shape: [columns, rows], data }
  }

  // The mixture that llama-quantize calls Q4_K_M: more bits for the first and the last eighth of the layers and for every third between.
  const { layers, width } = shape
  const moreBits = (layer: number) =>
    layer < Math.floor(layers / 8) || layer >= Math.floor((7 * layers) / 8) || (layer - Math.floor(layers / 8)) % 3 === 2
  const queryWidth = shape.heads * shape.headWidth
  const stateWidth = shape.headsOfState * shape.headWidth
  return [
    matrix('token_embd.weight', more(width), width, silent.length, silent),
    ones('output_norm.weight', width),
    ...Array.from({ length: layers }, (_, layer) => {
      const name = (part: string) => `blk.${layer}.${part}`
      const least = (columns: number) => (moreBits(layer) ? more(columns) : few(columns))
      return [
        ones(name('attn_norm.weight'), width),
        matrix(name('attn_q.weight'), few(width), width, queryWidth),
        matrix(name('attn_k.weight'), few(width), width, stateWidth),
        matrix(name('attn_v.weight'), least(width), width, stateWidth),
        ...(shape.bias
          ? [small(name('attn_q.bias'), queryWidth), small(name('attn_k.bias'), stateWidth), small(name('attn_v.bias'), stateWidth)]
          : []),
        matrix(name('attn_output.weight'), few(queryWidth), queryWidth, width),
        ones(name('ffn_norm.weight'), width),
        matrix(name('ffn_gate.weight'), few(width), width, shape.feedForward),
        matrix(name('ffn_up.weight'), few(width), width, shape.feedForward),
        matrix(name('ffn_down.weight'), least(shape.feedForward), shape.feedForward, width),
      ]
    }).flat(),
  ]
}

/**
 * The path of a GGUF file of `shape` with random weights, the Q4_K_M mixture and Qwen2's tokenizer, made in `cacheFolder` where it is not there
 * yet (a second or two). `vocabularyPath`: a GGUF with that tokenizer. The same bytes on every machine.
 */
export async function makeModel(shape: Shape, vocabularyPath: string, cacheFolder: string): Promise<string> {
  const path = join(cacheFolder, `${shape.name}.gguf`)
  if (
    await access(path).then(
      () => true,
      () => false,
    )
  )
    return path
  await mkdir(cacheFolder, { recursive: true })
  const vocabulary = await readMetadata(vocabularyPath)
  const unfinished = `${path}.${process.pid}.part`
  await writeGguf(unfinished, describe(shape, vocabulary), tensorsOf(shape, silentTokens(vocabulary)))
  await rename(unfinished, path)
  return path
}
