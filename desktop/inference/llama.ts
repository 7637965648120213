import { availableParallelism } from 'node:os'
import { getLlama, LlamaLogLevel, LlamaVocabularyType, type Llama, type LlamaModel, type Token } from 'node-llama-cpp'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Backend, LoadedModel } from '@fusion/shared/contract/model.ts'
import type { Sampling } from '@fusion/shared/chat/conversation.ts'
import { createChatTemplate } from './chat-template.ts'
import { readModelFacts } from './gguf/model-facts.ts'
import { planContext, planThreads } from './memory.ts'
import { nativeBindings, nativeContext, nativeModel, type NativeContext, type NativeModel, type NativeSampler } from './native.ts'
import { BATCH_TOKENS } from './scheduling/share-prompts.ts'
import { createPromptWriter } from './prompt.ts'
import { createPromptTokenizer, type PromptTokenizer, type Tokenizer } from './prompt-tokens.ts'
import { reasoningMarks } from './reasoning.ts'
import { tokenBytes, type VocabularyKind } from './token-bytes.ts'
import { createForms, type Forms } from './forms.ts'
import { callFormOf, type CallForm } from './tool-grammar.ts'
import { toolMarks } from './tool-reader.ts'
import { createVocabulary, type Vocabulary } from './grammar/vocabulary.ts'

/** A model that is loaded, with its one context, and all that the answers need of it. */
export interface LoadedLlama {
  name: string
  loaded: LoadedModel
  native: NativeModel
  context: NativeContext
  prompts: PromptTokenizer
  /** Sampling settings that the model file recommends. */
  sampling: Sampling
  /** Control tokens that marks of reasoning are made of, and how they read. */
  visible: ReadonlyMap<number, string>
  /** The same of marks of calls. */
  visibleCalls: ReadonlyMap<number, string>
  /** How calls of tools are written. */
  callForm: CallForm
  /** The token that a mark is; undefined where it is several. */
  markToken(mark: string): number | undefined
  /** Ends the answer: end of text, end of turn, and whatever else the file names. */
  isEnd(token: number): boolean
  createNativeSampler(): NativeSampler
  /** Tokens of the vocabulary. */
  size: number
  /** For answers of a form. The vocabulary is read when they are first asked for: for 150,000 tokens it takes some tenths of a second. */
  forms: Forms
  /** What a token stands for; of a control token, its name. */
  tokenBytes(token: number): Buffer
  /** Of a text that goes on from another; nothing in it is read as a control token. */
  tokenizeText(text: string): number[]
  /** False: the KV state cannot be cut back, only begun anew, so work ahead of Send would be lost. */
  canCut: boolean
  threads: number
  /** What a KV state depends on besides the model file. */
  stateSettings: string
}

/** Opens llama.cpp for a backend. Never builds, never downloads: what is not in the package is not there. */
export function openLlama(backend: Backend, threads: number | null = null): Promise<Llama> {
  return getLlama({
    gpu: backend === 'cpu' ? false : backend,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: LlamaLogLevel.error,
    maxThreads: threads ?? availableParallelism(),
  })
}

/** Whether this llama.cpp can run models of an architecture. */
export async function knowsArchitecture(architecture: string): Promise<boolean> {
  return nativeBindings(await openLlama('cpu')).getIsArchSupported(architecture)
}

export interface LoadRequest {
  path: string
  backend: Backend
  threads: number | null
  contextTokens: number | null
  memoryBytes: number | null
}

export async function loadLlama(request: LoadRequest, onProgress: (fraction: number) => void, signal: AbortSignal): Promise<LoadedLlama> {
  const { backend, path } = request
  const { file, shape } = readModelFacts(path)
  const { name } = file
  const llama = await openLlama(backend, request.threads).catch((error: unknown) => {
    throw failure('model-load-failed', { why: `no ${backend} backend` }, { cause: error })
  })
  signal.throwIfAborted()
  // Decided before anything is taken: a process that asks for more than there is may be killed, and others with it.
  const plan = planContext(shape, {
    freeBytes: request.memoryBytes ?? (await freeBytes(llama)),
    contextTokens: request.contextTokens,
    batchTokens: BATCH_TOKENS,
    name,
  })
  const model = await llama
    .loadModel({
      modelPath: path,
      gpuLayers: backend === 'cpu' ? 0 : { fitContext: { contextSize: plan.contextTokens } },
      ignoreMemorySafetyChecks: backend === 'cpu',
      onLoadProgress: onProgress,
      loadSignal: signal,
    })
    .catch((error: unknown) => {
      signal.throwIfAborted()
      throw failure('model-load-failed', { model: name }, { cause: error })
    })

  const threads = planThreads({ mathCores: llama.cpuMathCores, wished: request.threads, weightBytes: shape.weightBytes })
  const context = await model
    .createContext({
      contextSize: plan.contextTokens,
      sequences: plan.sequences,
      batchSize: BATCH_TOKENS,
      threads,
      flashAttention: true,
      // Sliding-window layers keep the whole window, or a chat could not be gone back in.
      swaFullCache: true,
      ignoreMemorySafetyChecks: true,
      failedCreationRemedy: false,
    })
    .catch((error: unknown) => {
      throw failure('model-load-failed', { model: name }, { cause: error })
    })

  const native = nativeModel(model)
  const bindings = nativeBindings(llama)
  const templateText = model.fileInfo.metadata.tokenizer?.chat_template
  const writer = await createPromptWriter({
    template: templateText ? createChatTemplate(templateText) : undefined,
    values: { bos_token: tokenText(native, model.tokens.bos), eos_token: tokenText(native, model.tokens.eos) },
  })
  const tokenizer = createTokenizer(model, native, { size: shape.vocabularyTokens, name })
  let vocabulary: Promise<Vocabulary> | undefined
  const used = [native.getMemoryBreakdown(), nativeContext(context).getMemoryBreakdown()]
  return {
    name,
    native,
    context: nativeContext(context),
    prompts: createPromptTokenizer(writer, tokenizer),
    sampling: recommendedSampling(model),
    visible: visibleTokens(model, native, reasoningMarks.flat().flatMap(partsOfMark)),
    visibleCalls: visibleTokens(model, native, toolMarks),
    callForm: callFormOf(writer.knowsTools ? templateText : undefined),
    markToken: mark => oneToken(native, mark),
    isEnd: token => model.isEogToken(token as Token),
    createNativeSampler: () => new bindings.AddonSampler(native),
    size: shape.vocabularyTokens,
    forms: createForms(() => (vocabulary ??= readVocabulary(model, native, shape.vocabularyTokens))),
    tokenBytes: token => tokenBytes(native, kindOf(model), token) ?? Buffer.from(native.getTokenString(token)),
    tokenizeText: text => tokenizer.tokenize(text, { parseSpecial: false, afterText: true }),
    canCut: !model.fileInsights.isRecurrent && !model.fileInsights.isHybrid,
    threads,
    stateSettings: JSON.stringify({ build: llama.llamaCppRelease, backend, flash: context.flashAttention, keys: 'f16', swa: 'full' }),
    loaded: {
      contextTokens: plan.contextTokens,
      sequences: plan.sequences,
      backend,
      memoryBytes: used.reduce((sum, { cpuRam, gpuVram }) => sum + cpuRam + gpuVram, 0),
      stateBytesPerToken: shape.stateBytesPerToken,
      template: writer.template,
    },
  }
}

/** Memory that can be taken without others being pushed out: of this machine or its container, and of the graphics card's own. */
async function freeBytes(llama: Llama): Promise<number> {
  const ram = process.availableMemory()
  if (llama.gpu === false) return ram
  const { free, unifiedSize } = await llama.getVramState()
  return unifiedSize > 0 ? ram : ram + free
}

const tokenText = (native: NativeModel, token: number | null) => (token === null ? '' : native.getTokenString(token))

function recommendedSampling(model: LlamaModel): Sampling {
  const general = model.fileInfo.metadata.general as { sampling?: Record<string, unknown> } | undefined
  const known = { temperature: 'temp', topK: 'top_k', topP: 'top_p', minP: 'min_p' } as const
  const found: Sampling = {}
  for (const [setting, key] of Object.entries(known)) {
    const value = general?.sampling?.[key]
    if (typeof value === 'number' && Number.isFinite(value)) found[setting as keyof typeof known] = value
  }
  return found
}

/** What of a mark of reasoning may be a control token. */
const partsOfMark = (mark: string) => Array.from(mark.matchAll(/<\|[^|]+\|>|\[\/?THINK\]|<\/?[\w:]+>/g), ([part]) => part)

function oneToken(native: NativeModel, text: string): number | undefined {
  const [token, ...others] = native.tokenize(text, true)
  return others.length === 0 ? token : undefined
}

/** Those of these marks that are control tokens, which are read as text. */
function visibleTokens(model: LlamaModel, native: NativeModel, marks: readonly string[]): Map<number, string> {
  const visible = new Map<number, string>()
  for (const mark of marks) {
    const token = oneToken(native, mark)
    if (token === undefined || native.detokenize(Uint32Array.of(token), false) !== '' || model.isEogToken(token as Token)) continue
    visible.set(token, mark)
  }
  return visible
}

function createTokenizer(model: LlamaModel, native: NativeModel, facts: Pick<Tokenizer, 'size' | 'name'>): Tokenizer {
  const { tokens } = model
  const marksWords = model.vocabularyType === LlamaVocabularyType.spm
  return {
    ...facts,
    marksWords,
    empty: tokens.bos ?? tokens.eos ?? 0,
    tokenize: (text, { parseSpecial, afterText }) =>
      marksWords && afterText
        ? model.tokenize(text, parseSpecial, 'trimLeadingSpace').map(Number)
        : Array.from(native.tokenize(text, parseSpecial)),
    isControl: token => native.detokenize(Uint32Array.of(token), false) === '',
    begin: tokens.shouldPrependBosToken && tokens.bos !== null ? tokens.bos : undefined,
  }
}

function kindOf(model: LlamaModel): VocabularyKind {
  const { vocabularyType } = model
  if (vocabularyType === LlamaVocabularyType.bpe) return 'bytes'
  return vocabularyType === LlamaVocabularyType.spm || vocabularyType === LlamaVocabularyType.ugm ? 'marks' : 'other'
}

function readVocabulary(model: LlamaModel, native: NativeModel, size: number): Promise<Vocabulary> {
  const kind = kindOf(model)
  const ends = Array.from({ length: size }, (_, token) => token).filter(token => native.isEogToken(token))
  return createVocabulary({ size, ends, bytesOf: token => tokenBytes(native, kind, token) })
}
