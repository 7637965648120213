import { Type, type Static } from 'typebox'
import { FailureBody } from '../rpc/failure.ts'

/** What a GGUF file says of itself, read by the inference process. */
export const ModelFile = Type.Object({
  name: Type.String(),
  architecture: Type.String(),
  /** For people: "Q4_K_M", "F16". */
  quantization: Type.String(),
  parameters: Type.Integer(),
  trainedContextTokens: Type.Integer(),
  hasTemplate: Type.Boolean(),
  bytes: Type.Integer(),
})
export type ModelFile = Static<typeof ModelFile>

export const Backend = Type.Union([Type.Literal('cuda'), Type.Literal('metal'), Type.Literal('vulkan'), Type.Literal('cpu')])
export type Backend = Static<typeof Backend>

/** A model that stands ready in a process of its own. */
export const LoadedModel = Type.Object({
  /** Tokens one chat may hold. */
  contextTokens: Type.Integer(),
  /** Chats that can be answered at once. */
  sequences: Type.Integer(),
  backend: Backend,
  memoryBytes: Type.Integer(),
  /** What a token of KV state takes, in memory and on disk. */
  stateBytesPerToken: Type.Integer(),
  /** `file`: the chat template is the model file's own; `plain`: it has none that can be used, so turns are set apart by plain words. */
  template: Type.Union([Type.Literal('file'), Type.Literal('plain')]),
})
export type LoadedModel = Static<typeof LoadedModel>

export const ModelState = Type.Union([
  Type.Object({ at: Type.Literal('cold') }),
  Type.Object({ at: Type.Literal('loading'), fraction: Type.Number() }),
  Type.Object({ at: Type.Literal('ready'), loaded: LoadedModel }),
  Type.Object({ at: Type.Literal('failed'), failure: FailureBody }),
])
export type ModelState = Static<typeof ModelState>

export const ModelEntry = Type.Object({
  /** SHA-256 of the file: the same model on every machine. */
  id: Type.String(),
  file: ModelFile,
  path: Type.String(),
  /** `bundled`: ships with Fusion; `found`: lies in the data folder's models; `added`: picked from elsewhere and left there. */
  source: Type.Union([Type.Literal('bundled'), Type.Literal('found'), Type.Literal('added')]),
  state: ModelState,
})
export type ModelEntry = Static<typeof ModelEntry>

/** A file on its way to becoming a model: copied in, hashed, validated; or refused, with the reason. */
export const ModelArrival = Type.Object({
  id: Type.String(),
  name: Type.String(),
  at: Type.Union([Type.Literal('copying'), Type.Literal('checking'), Type.Literal('refused')]),
  fraction: Type.Number(),
  failure: Type.Union([FailureBody, Type.Null()]),
})
export type ModelArrival = Static<typeof ModelArrival>
