// What the routes have in common: parameters of sampling, tools and forms, as OpenAI, vLLM and llama.cpp name them.
import { Type, type Static, type TSchema } from 'typebox'

/** null stands for what was not set, as OpenAI's clients send it. */
export const Maybe = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]))

export const samplingParameters = {
  temperature: Maybe(Type.Number({ minimum: 0, maximum: 2 })),
  top_p: Maybe(Type.Number({ minimum: 0, maximum: 1 })),
  seed: Maybe(Type.Integer()),
  presence_penalty: Maybe(Type.Number({ minimum: -2, maximum: 2 })),
  frequency_penalty: Maybe(Type.Number({ minimum: -2, maximum: 2 })),
  // vLLM's and llama.cpp's
  top_k: Maybe(Type.Integer({ minimum: -1, maximum: 1000 })),
  min_p: Maybe(Type.Number({ minimum: 0, maximum: 1 })),
  repetition_penalty: Maybe(Type.Number({ minimum: 0.5, maximum: 2 })),
  ignore_eos: Maybe(Type.Boolean()),
  return_token_ids: Maybe(Type.Boolean()),
}
const SamplingParameters = Type.Object(samplingParameters)
export type SamplingParameters = Static<typeof SamplingParameters>

/** What a client may say for OpenAI's own records: read, and of no meaning here. */
export const heedless = {
  user: Maybe(Type.String()),
  metadata: Maybe(Type.Unknown()),
  store: Maybe(Type.Boolean()),
  service_tier: Maybe(Type.String()),
  safety_identifier: Maybe(Type.String()),
  prompt_cache_key: Maybe(Type.String()),
  prompt_cache_retention: Maybe(Type.String()),
  /** vLLM's: who shares cached prompts. Here programs never do. */
  cache_salt: Maybe(Type.String()),
}

const StopText = Type.String({ minLength: 1, maxLength: 1000 })
export const stop = Maybe(Type.Union([StopText, Type.Array(StopText, { maxItems: 16 })]))
export const streamOptions = Maybe(
  Type.Object({ include_usage: Maybe(Type.Boolean()), include_obfuscation: Maybe(Type.Boolean()) }, { additionalProperties: false }),
)
export const answers = Maybe(Type.Integer({ minimum: 1, maximum: 16 }))

export const FunctionTool = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 256 }),
  description: Maybe(Type.String()),
  parameters: Maybe(Type.Object({})),
  strict: Maybe(Type.Boolean()),
})
