import type { LlamaContext, LlamaModel, Llama } from 'node-llama-cpp'

/**
 * The native context under node-llama-cpp 3.21.1 (dist/bindings/AddonTypes.d.ts there; the version is pinned exactly). Its own layer above this
 * groups calls that happen to arrive together into batches, rotated, and llama.cpp joins only ascending sequences: 40 instead of 75 tokens/s
 * with eight chats. So the scheduler fills the batches itself.
 *
 * Nothing here may be called while `decodeBatch`, `sampleToken` or a state call is under way: they run on another thread.
 */
export interface NativeContext {
  initBatch(tokens: number): void
  /** Returns the index of each row of logits asked for, to sample from. `firstPosition` is the position of the first token in its sequence. */
  addToBatch(sequenceId: number, firstPosition: number, tokens: Uint32Array, logitsOf: Uint32Array): Uint32Array
  decodeBatch(): Promise<void>
  /** For the batches that follow. */
  setThreads(threads: number): void
  /** A token, or -1 when there was nothing to sample from. */
  sampleToken(logitIndex: number, sampler: NativeSampler): Promise<number>
  /** With the probabilities of all that the sampler was left to choose from, likeliest first: token, probability, token, probability … */
  sampleToken(logitIndex: number, sampler: NativeSampler, probabilities: true): Promise<[token: number, probabilities?: number[]]>
  /** With the probability of the token itself, among all that the sampler was left to choose from. */
  sampleToken(
    logitIndex: number,
    sampler: NativeSampler,
    probabilities: false,
    confidence: true,
  ): Promise<[token: number, probabilities: undefined, confidence: number]>
  disposeSequence(sequenceId: number): void
  /** False where this model's memory cannot be cut there (recurrent ones). */
  removeTokenCellsFromSequence(sequenceId: number, from: number, until: number): boolean
  saveSequenceStateToFile(path: string, sequenceId: number, tokens: Uint32Array): Promise<number>
  loadSequenceStateFromFile(path: string, sequenceId: number, maxTokens: number): Promise<Uint32Array>
  getMemoryBreakdown(): { cpuRam: number; gpuVram: number }
}

export interface NativeSampler {
  applyConfig(config: {
    temperature: number
    minP: number
    topK: number
    topP: number
    seed: number
    repeatPenalty?: number
    repeatPenaltyMaxTokens?: number
    repeatPenaltyTokens?: Uint32Array
    repeatPenaltyPresencePenalty?: number
    repeatPenaltyFrequencyPenalty?: number
    tokenBiasKeys?: Uint32Array
    tokenBiasValues?: Float32Array
  }): void
  dispose(): void
}

export interface NativeModel {
  tokenize(text: string, parseSpecial: boolean): Uint32Array
  detokenize(tokens: Uint32Array, withSpecial: boolean): string
  getTokenString(token: number): string
  /** Flags, as in llama.h. */
  getTokenAttributes(token: number): number
  isEogToken(token: number): boolean
  getMemoryBreakdown(): { cpuRam: number; gpuVram: number }
}

interface NativeBindings {
  AddonSampler: new (model: NativeModel) => NativeSampler
  getIsArchSupported(architecture: string): boolean
}

export const nativeContext = (context: LlamaContext): NativeContext => (context as unknown as { _ctx: NativeContext })._ctx
export const nativeModel = (model: LlamaModel): NativeModel => (model as unknown as { _model: NativeModel })._model
export const nativeBindings = (llama: Llama): NativeBindings => (llama as unknown as { _bindings: NativeBindings })._bindings
