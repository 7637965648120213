import { Type, type Static } from 'typebox'
import { Sampling, SystemPrompt } from '../chat/conversation.ts'

/** The person's settings, kept in the database. What is not set is the value in `defaultSettings`. */
export const Settings = Type.Object({
  theme: Type.Union([Type.Literal('system'), Type.Literal('light'), Type.Literal('dark')]),
  /** Hash of the model for chats without a wish of their own; null: the best one that is there. */
  defaultModelId: Type.Union([Type.String(), Type.Null()]),
  systemPrompt: SystemPrompt,
  sampling: Sampling,
  /** Compute the draft's tokens while it is typed, so that Enter is answered at once. */
  prefillDrafts: Type.Boolean(),
  /** Keep the KV state of chats on disk, so that long chats answer at once after reopening. */
  keepStates: Type.Boolean(),
  /** Threads for the CPU; null: chosen by the number of cores. */
  threads: Type.Union([Type.Integer({ minimum: 1, maximum: 256 }), Type.Null()]),
  /** Upper limit for a chat's window, in tokens; null: what the model and the memory allow. */
  contextTokens: Type.Union([Type.Integer({ minimum: 256, maximum: 1_048_576 }), Type.Null()]),
  /** A model that nobody used for so long is unloaded; null: never. */
  unloadAfterMinutes: Type.Union([Type.Integer({ minimum: 1, maximum: 10_080 }), Type.Null()]),
  /** Whether programs of this computer may use its models by the local API. A server (`serve`) has it open always. */
  apiOpen: Type.Boolean(),
  apiPort: Type.Integer({ minimum: 1, maximum: 65_535 }),
  /** Web pages and extensions of a browser that may use the local API besides programs: `http://localhost:3000`. */
  apiOrigins: Type.Array(Type.String({ pattern: '^[a-z][a-z0-9+.-]*://[^/\\s]+$', maxLength: 200 }), { maxItems: 50 }),
  /** Names besides 127.0.0.1 and localhost by which the API may be called, such as `host.docker.internal`. */
  apiHosts: Type.Array(Type.String({ pattern: '^[a-zA-Z0-9.-]+$', maxLength: 253 }), { maxItems: 50 }),
  /** True once the first run's line about the guide was seen. */
  guideSeen: Type.Boolean(),
})
export type Settings = Static<typeof Settings>

export const defaultSettings: Settings = {
  theme: 'system',
  defaultModelId: null,
  systemPrompt: '',
  sampling: {},
  prefillDrafts: true,
  keepStates: true,
  threads: null,
  contextTokens: null,
  unloadAfterMinutes: 30,
  apiOpen: false,
  apiPort: 4310,
  apiOrigins: [],
  apiHosts: [],
  guideSeen: false,
}
