// What is read of a chunk of a streamed completion, of whichever kind; what else a server sends is passed on unread.
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { ServerLost } from './model-server.ts'

const MaybeText = Type.Optional(Type.Union([Type.String(), Type.Null()]))
const TokenIds = Type.Optional(Type.Union([Type.Array(Type.Integer()), Type.Null()]))
const MaybeCount = Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]))

const Chunk = Type.Object({
  model: Type.Optional(Type.Unknown()),
  prompt_token_ids: TokenIds,
  choices: Type.Array(
    Type.Object({
      index: Type.Optional(Type.Integer()),
      delta: Type.Optional(
        Type.Object({
          content: MaybeText,
          // vLLM's name, and what it is to be called.
          reasoning_content: MaybeText,
          reasoning: MaybeText,
          tool_calls: Type.Optional(Type.Union([Type.Array(Type.Unknown()), Type.Null()])),
        }),
      ),
      text: MaybeText,
      finish_reason: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      token_ids: TokenIds,
      prompt_token_ids: TokenIds,
    }),
  ),
  usage: Type.Optional(
    Type.Union([
      Type.Object({
        prompt_tokens: MaybeCount,
        completion_tokens: MaybeCount,
        prompt_tokens_details: Type.Optional(Type.Union([Type.Object({ cached_tokens: MaybeCount }), Type.Null()])),
      }),
      Type.Null(),
    ]),
  ),
})
export type RawChunk = Static<typeof Chunk>
const chunkCheck = Compile(Chunk)

export interface ChatChunk {
  text: string
  reasoning: string
  /** Undefined where the server tells none. */
  tokenIds: readonly number[] | undefined
  /** With the first chunk alone. */
  promptIds: readonly number[] | undefined
  finish: string | undefined
  usage: RawChunk['usage']
  /** It has at most one choice, the first. */
  single: boolean
  /** Something of the answer is in it: text, thought, a call of a tool, a token, or the reason of its end. */
  isProgress: boolean
  raw: RawChunk
  /** `raw` as it came; undefined where it was made here. */
  data?: string
  /** Of the server that made it; see `MODEL_SERVERS`. */
  weights?: string
}

/** Throws `ServerLost` for what is no chunk, or one of another model than was asked for. */
export function readChunk(event: unknown, model: string): ChatChunk {
  if (!chunkCheck.Check(event)) throw new ServerLost('the model server sent what is no chunk')
  if (typeof event.model === 'string' && event.model !== model) throw new ServerLost('the model server answered with another model')
  const [first] = event.choices
  const { delta } = first ?? {}
  const text = delta?.content ?? first?.text ?? ''
  const reasoning = delta?.reasoning_content ?? delta?.reasoning ?? ''
  const tokenIds = first?.token_ids ?? undefined
  const finish = first?.finish_reason ?? undefined
  const calls = event.choices.some(choice => (choice.delta?.tool_calls?.length ?? 0) > 0)
  const single = event.choices.length < 2 && (first?.index ?? 0) === 0
  return {
    text,
    reasoning,
    tokenIds,
    promptIds: event.prompt_token_ids ?? first?.prompt_token_ids ?? undefined,
    finish,
    usage: event.usage,
    single: single && !calls,
    isProgress: text !== '' || reasoning !== '' || calls || finish !== undefined || (tokenIds?.length ?? 0) > 0 || !single,
    raw: event,
  }
}
