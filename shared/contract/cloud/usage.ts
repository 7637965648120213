// What models were asked for, in numbers: by whoever asks for themselves, and by those who manage an organisation. Never what was written.
import { Type, type Static } from 'typebox'
import { Id } from '../ids.ts'
import { route } from './route.ts'

const Count = Type.Integer({ minimum: 0 })

const UsageCounts = Type.Object({
  requests: Count,
  /** Of them: whoever asked did not wait for the end. */
  stopped: Count,
  failed: Count,
  promptTokens: Count,
  /** Of the prompts': read before, and not read again. */
  cachedTokens: Count,
  completionTokens: Count,
  /** In millionths of the operator's currency; 0 where no prices were told. */
  cost: Count,
})
export type UsageCounts = Static<typeof UsageCounts>

/** `none`: no model server was reached. */
const OfModel = Type.Interface([UsageCounts], { model: Type.String() })
const OfDay = Type.Interface([UsageCounts], { day: Type.String(), model: Type.String() })
const OfPerson = Type.Interface([UsageCounts], { id: Id, name: Type.String(), email: Type.String() })

export const usageRoutes = {
  own: route({
    method: 'GET',
    path: '/v1/usage',
    access: { who: 'session' },
    summary: 'What you asked models for, by day (UTC) and model, the newest day first.',
    query: Type.Object({
      /** This many, today included; 30 where it is not said. */
      days: Type.Optional(Type.Integer({ minimum: 1, maximum: 366 })),
    }),
    reply: Type.Object({ days: Type.Array(OfDay) }),
  }),
  organisation: route({
    method: 'GET',
    path: '/v1/admin/usage',
    access: { who: 'role', role: 'auditor' },
    summary: 'What the organisation asked models for: all together, by model, and by person, whoever used most first.',
    query: Type.Object({
      /** 1, where it is not said: the last 60 minutes. More: this hour and so many whole ones before it that there are as many. */
      hours: Type.Optional(Type.Integer({ minimum: 1, maximum: 744 })),
    }),
    reply: Type.Object({
      /** Milliseconds since 1970. */
      since: Type.Integer(),
      totals: UsageCounts,
      models: Type.Array(OfModel),
      people: Type.Array(OfPerson),
    }),
  }),
}
