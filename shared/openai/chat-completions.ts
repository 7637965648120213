import { Type, type Static } from 'typebox'
import { answers, FunctionTool, heedless, Maybe, samplingParameters, stop, streamOptions } from './parameters.ts'

/** A part of a message. Only text is read; others are named here so that they can be refused in words. */
const ContentPart = Type.Object({ type: Type.String(), text: Type.Optional(Type.String()) })
const Content = Type.Union([Type.String(), Type.Array(ContentPart), Type.Null()])

export const ChatMessage = Type.Object({
  role: Type.Union([
    Type.Literal('system'),
    Type.Literal('developer'),
    Type.Literal('user'),
    Type.Literal('assistant'),
    Type.Literal('tool'),
  ]),
  content: Type.Optional(Content),
  name: Maybe(Type.String()),
  tool_calls: Maybe(
    Type.Array(
      Type.Object({
        id: Type.String(),
        type: Type.Optional(Type.Literal('function')),
        function: Type.Object({ name: Type.String(), arguments: Type.String() }),
      }),
    ),
  ),
  tool_call_id: Maybe(Type.String()),
})
export type ChatMessage = Static<typeof ChatMessage>

export const ResponseFormat = Type.Union([
  Type.Object({ type: Type.Literal('text') }),
  Type.Object({ type: Type.Literal('json_object') }),
  Type.Object({
    type: Type.Literal('json_schema'),
    json_schema: Type.Object({
      name: Type.String(),
      description: Maybe(Type.String()),
      schema: Type.Optional(Type.Unknown()),
      strict: Maybe(Type.Boolean()),
    }),
  }),
])

/** `POST /v1/chat/completions`. */
export const ChatCompletionRequest = Type.Object(
  {
    model: Type.String({ minLength: 1 }),
    messages: Type.Array(ChatMessage, { minItems: 1 }),
    stream: Maybe(Type.Boolean()),
    stream_options: streamOptions,
    n: answers,
    stop,
    max_tokens: Maybe(Type.Integer({ minimum: 1 })),
    max_completion_tokens: Maybe(Type.Integer({ minimum: 1 })),
    logprobs: Maybe(Type.Boolean()),
    top_logprobs: Maybe(Type.Integer({ minimum: 0, maximum: 20 })),
    response_format: Maybe(ResponseFormat),
    tools: Maybe(Type.Array(Type.Object({ type: Type.Literal('function'), function: FunctionTool }), { maxItems: 128 })),
    tool_choice: Maybe(
      Type.Union([
        Type.Literal('none'),
        Type.Literal('auto'),
        Type.Literal('required'),
        Type.Object({ type: Type.Literal('function'), function: Type.Object({ name: Type.String() }) }),
      ]),
    ),
    parallel_tool_calls: Maybe(Type.Boolean()),
    // vLLM's: the last message is the beginning of the answer.
    add_generation_prompt: Maybe(Type.Boolean()),
    continue_final_message: Maybe(Type.Boolean()),
    // Read, and without a meaning for models that know none.
    reasoning_effort: Maybe(Type.String()),
    verbosity: Maybe(Type.String()),
    modalities: Maybe(Type.Array(Type.Literal('text'))),
    ...samplingParameters,
    ...heedless,
  },
  { additionalProperties: false },
)
export type ChatCompletionRequest = Static<typeof ChatCompletionRequest>

interface Logprob {
  token: string
  logprob: number
  bytes: number[]
}
export interface ChoiceLogprobs {
  content: (Logprob & { top_logprobs: Logprob[] })[]
  refusal: null
}

export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details: { cached_tokens: number }
  completion_tokens_details: { reasoning_tokens: number }
}

export interface ToolCallBody {
  id: string
  type: 'function'
  function: { name: string; arguments: string }
}

export type ChatFinishReason = 'stop' | 'length' | 'tool_calls'

export interface ChatCompletion {
  id: string
  object: 'chat.completion'
  created: number
  model: string
  choices: {
    index: number
    message: {
      role: 'assistant'
      content: string | null
      refusal: null
      /** vLLM's and DeepSeek's name for what a model thought before it answered. */
      reasoning_content?: string
      tool_calls?: ToolCallBody[]
    }
    logprobs: ChoiceLogprobs | null
    finish_reason: ChatFinishReason
    /** vLLM's: the text of `stop` that ended it. */
    stop_reason?: string
    token_ids?: number[]
  }[]
  usage: Usage
  prompt_token_ids?: number[]
}

export interface ChatCompletionChunk {
  id: string
  object: 'chat.completion.chunk'
  created: number
  model: string
  choices: {
    index: number
    delta: {
      role?: 'assistant'
      content?: string
      reasoning_content?: string
      tool_calls?: { index: number; id?: string; type?: 'function'; function: { name?: string; arguments: string } }[]
    }
    logprobs: ChoiceLogprobs | null
    finish_reason: ChatFinishReason | null
    stop_reason?: string
    token_ids?: number[]
  }[]
  usage?: Usage | null
  prompt_token_ids?: number[]
}
