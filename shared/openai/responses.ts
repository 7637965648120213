import { Type, type Static } from 'typebox'
import { FunctionTool, heedless, Maybe, samplingParameters } from './parameters.ts'

const Part = Type.Object({ type: Type.String(), text: Type.Optional(Type.String()) })

/** A turn, a call of a tool or its result; others (references, what a model thought) are recognized by their type. */
export const InputItem = Type.Object({
  type: Type.Optional(Type.String()),
  role: Type.Optional(Type.Union([Type.Literal('system'), Type.Literal('developer'), Type.Literal('user'), Type.Literal('assistant')])),
  content: Type.Optional(Type.Union([Type.String(), Type.Array(Part)])),
  call_id: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  arguments: Type.Optional(Type.String()),
  output: Type.Optional(Type.Union([Type.String(), Type.Array(Part)])),
})
export type InputItem = Static<typeof InputItem>

export const TextFormat = Type.Union([
  Type.Object({ type: Type.Literal('text') }),
  Type.Object({ type: Type.Literal('json_object') }),
  Type.Object({
    type: Type.Literal('json_schema'),
    name: Type.String(),
    description: Maybe(Type.String()),
    schema: Type.Unknown(),
    strict: Maybe(Type.Boolean()),
  }),
])

const { temperature, top_p, seed, presence_penalty, frequency_penalty, top_k, min_p, repetition_penalty } = samplingParameters

/** `POST /v1/responses`. Nothing is kept here: the whole input comes with each request. */
export const ResponseRequest = Type.Object(
  {
    model: Type.String({ minLength: 1 }),
    input: Type.Union([Type.String(), Type.Array(InputItem, { minItems: 1 })]),
    instructions: Maybe(Type.String()),
    stream: Maybe(Type.Boolean()),
    stream_options: Maybe(Type.Object({ include_obfuscation: Maybe(Type.Boolean()) })),
    max_output_tokens: Maybe(Type.Integer({ minimum: 1 })),
    text: Maybe(Type.Object({ format: Maybe(TextFormat), verbosity: Maybe(Type.String()) })),
    tools: Maybe(Type.Array(Type.Object({ type: Type.Literal('function'), ...FunctionTool.properties }), { maxItems: 128 })),
    tool_choice: Maybe(
      Type.Union([
        Type.Literal('none'),
        Type.Literal('auto'),
        Type.Literal('required'),
        Type.Object({ type: Type.Literal('function'), name: Type.String() }),
      ]),
    ),
    parallel_tool_calls: Maybe(Type.Boolean()),
    top_logprobs: Maybe(Type.Integer({ minimum: 0, maximum: 20 })),
    include: Maybe(Type.Array(Type.String())),
    reasoning: Maybe(Type.Unknown()),
    truncation: Maybe(Type.Literal('disabled')),
    background: Maybe(Type.Literal(false)),
    previous_response_id: Maybe(Type.Never()),
    conversation: Maybe(Type.Never()),
    temperature,
    top_p,
    seed,
    presence_penalty,
    frequency_penalty,
    top_k,
    min_p,
    repetition_penalty,
    ...heedless,
  },
  { additionalProperties: false },
)
export type ResponseRequest = Static<typeof ResponseRequest>

interface OutputLogprob {
  token: string
  logprob: number
  bytes: number[]
  top_logprobs: { token: string; logprob: number; bytes: number[] }[]
}
export interface OutputText {
  type: 'output_text'
  text: string
  annotations: never[]
  logprobs: OutputLogprob[]
}
type Status = 'in_progress' | 'completed' | 'incomplete'

export type OutputItem =
  | { type: 'reasoning'; id: string; summary: never[]; content: { type: 'reasoning_text'; text: string }[] }
  | { type: 'message'; id: string; status: Status; role: 'assistant'; content: OutputText[] }
  | { type: 'function_call'; id: string; status: Status; call_id: string; name: string; arguments: string }

export interface ResponseBody {
  id: string
  object: 'response'
  created_at: number
  status: 'in_progress' | 'completed' | 'incomplete' | 'failed'
  error: { code: string; message: string } | null
  incomplete_details: { reason: 'max_output_tokens' } | null
  instructions: string | null
  max_output_tokens: number | null
  model: string
  output: OutputItem[]
  parallel_tool_calls: boolean
  previous_response_id: null
  reasoning: { effort: null; summary: null }
  store: false
  temperature: number | null
  text: { format: unknown }
  tool_choice: unknown
  tools: unknown[]
  top_p: number | null
  truncation: 'disabled'
  usage: {
    input_tokens: number
    input_tokens_details: { cached_tokens: number }
    output_tokens: number
    output_tokens_details: { reasoning_tokens: number }
    total_tokens: number
  } | null
  metadata: object
}
