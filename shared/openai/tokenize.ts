import { Type, type Static } from 'typebox'
import { ChatMessage } from './chat-completions.ts'
import { Maybe } from './parameters.ts'

/** `POST /tokenize`, vLLM's: how many tokens a prompt has, as turns in the model's own template, or as text. */
export const TokenizeRequest = Type.Object({
  model: Type.String({ minLength: 1 }),
  messages: Type.Optional(Type.Array(ChatMessage, { minItems: 1 })),
  prompt: Type.Optional(Type.String()),
  /** False where the last message is the beginning of the answer. */
  add_generation_prompt: Maybe(Type.Boolean()),
  continue_final_message: Maybe(Type.Boolean()),
})
export type TokenizeRequest = Static<typeof TokenizeRequest>

/** vLLM tells the tokens themselves, too. */
export const Tokenized = Type.Object({ count: Type.Integer({ minimum: 0 }), max_model_len: Type.Integer({ minimum: 1 }) })
export type Tokenized = Static<typeof Tokenized>
