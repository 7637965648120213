import { Type, type Static } from 'typebox'
import type { Usage } from './chat-completions.ts'
import { answers, heedless, Maybe, samplingParameters, stop, streamOptions } from './parameters.ts'

const Tokens = Type.Array(Type.Integer({ minimum: 0 }), { minItems: 1 })

/** `POST /v1/completions`: a prompt without turns, as text or tokens, or several of them. */
export const CompletionRequest = Type.Object(
  {
    model: Type.String({ minLength: 1 }),
    prompt: Type.Union([
      Type.String(),
      Type.Array(Type.String(), { minItems: 1, maxItems: 64 }),
      Tokens,
      Type.Array(Tokens, { minItems: 1, maxItems: 64 }),
    ]),
    stream: Maybe(Type.Boolean()),
    stream_options: streamOptions,
    n: answers,
    stop,
    max_tokens: Maybe(Type.Integer({ minimum: 1 })),
    logprobs: Maybe(Type.Integer({ minimum: 0, maximum: 20 })),
    echo: Maybe(Type.Literal(false)),
    best_of: Maybe(Type.Literal(1)),
    suffix: Maybe(Type.Literal('')),
    ...samplingParameters,
    ...heedless,
  },
  { additionalProperties: false },
)
export type CompletionRequest = Static<typeof CompletionRequest>

/** OpenAI's old form of logprobs. */
export interface CompletionLogprobs {
  tokens: string[]
  token_logprobs: number[]
  top_logprobs: Record<string, number>[]
  text_offset: number[]
}

export interface CompletionChoice {
  index: number
  text: string
  logprobs: CompletionLogprobs | null
  finish_reason: 'stop' | 'length' | null
  stop_reason?: string
  token_ids?: number[]
  prompt_token_ids?: number[]
}

export interface Completion {
  id: string
  object: 'text_completion'
  created: number
  model: string
  choices: CompletionChoice[]
  usage?: Usage | null
}
