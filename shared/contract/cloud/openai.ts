// OpenAI's API in front of the model servers: requests are passed on as they are, so that each server's own parameters work.
import { Type, type Static } from 'typebox'
import { route } from './route.ts'

const Passed = { model: Type.String({ minLength: 1, maxLength: 200 }) }
const StreamOptions = Type.Optional(
  Type.Union([Type.Object({ include_usage: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])) }), Type.Null()]),
)
const Streamed = { ...Passed, stream: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])), stream_options: StreamOptions }

/** What this server looks at; everything else is the model server's to check. */
export const StreamedRequest = Type.Object({ ...Streamed })
export type StreamedRequest = Static<typeof StreamedRequest>

const access = { who: 'program', scope: 'inference' } as const
const reply = Type.Unknown()
const events = Type.Unknown()

export const openAiRoutes = {
  chatCompletions: route({
    method: 'POST',
    path: '/v1/chat/completions',
    access,
    summary: "OpenAI's chat completions. Closing the connection cancels it.",
    body: Type.Object({ ...Streamed, messages: Type.Array(Type.Object({ role: Type.String() }), { minItems: 1, maxItems: 100_000 }) }),
    reply,
    events,
  }),
  completions: route({
    method: 'POST',
    path: '/v1/completions',
    access,
    summary: "OpenAI's completions, also by token ids. Closing the connection cancels it.",
    body: Type.Object({ ...Streamed, prompt: Type.Union([Type.String(), Type.Array(Type.Unknown(), { maxItems: 1_000_000 })]) }),
    reply,
    events,
  }),
  responses: route({
    method: 'POST',
    path: '/v1/responses',
    access,
    summary: "OpenAI's responses, without a store. Closing the connection cancels it.",
    body: Type.Object({ ...Streamed, input: Type.Union([Type.String(), Type.Array(Type.Unknown(), { maxItems: 100_000 })]) }),
    reply,
    events,
  }),
  embeddings: route({
    method: 'POST',
    path: '/v1/embeddings',
    access,
    summary: "OpenAI's embeddings, of models that make them.",
    body: Type.Object({ ...Passed, input: Type.Union([Type.String(), Type.Array(Type.Unknown(), { maxItems: 100_000 })]) }),
    reply,
  }),
}
