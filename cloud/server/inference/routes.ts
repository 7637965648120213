import { modelRoutes } from '@fusion/shared/contract/cloud/models.ts'
import { openAiRoutes } from '@fusion/shared/contract/cloud/openai.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import type { FastifyInstance } from 'fastify'
import { randomUUID } from 'node:crypto'
import { learnedAs } from '../budgets/budgets.ts'
import { warningText } from '../budgets/warning-text.ts'
import type { Caller } from '../caller.ts'
import { onLeave } from '../http/on-leave.ts'
import { serve } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'
import { askedText } from './asked-text.ts'
import { askedTokens } from './asked-tokens.ts'
import { embed } from './embed.ts'
import { ranks } from './models.ts'
import { passOn } from './pass-on.ts'
import { patienceOf } from './patience.ts'
import type { Recorded } from './record.ts'
import { noUsage } from './told-usage.ts'

/** The models that can be asked, and OpenAI's API in front of them. */
export async function inference(
  app: FastifyInstance,
  { config, models, clock, record, policies, budgets, guess, answers, auto }: Parts,
): Promise<void> {
  const patience = patienceOf(config)
  serve(app, modelRoutes.models, async ({ caller }) => {
    const may = await policies.modelsOf(caller)
    return { object: 'list' as const, data: auto.listed(models.list().filter(({ id }) => may(id))) }
  })
  serve(app, modelRoutes.model, async ({ params, caller }) => {
    const may = await policies.modelsOf(caller)
    const found = auto.listed(models.list().filter(({ id }) => may(id))).find(({ id }) => id === params.model)
    if (!found) throw failure('cloud-model-unknown', { model: params.model })
    return found
  })

  /** Writes down how it went: also where it failed before the reply began. */
  async function recorded<T>(request: Recording, work: (on: (outcome: Outcome) => void) => Promise<T>): Promise<T> {
    const startedAt = clock()
    let how: Outcome = { usage: noUsage, server: null, end: 'failed' }
    try {
      return await work(outcome => void (how = outcome))
    } finally {
      record({ ...request, startedAt, ...how })
    }
  }

  const streamed = [
    [openAiRoutes.chatCompletions, 'chat-completion'],
    [openAiRoutes.completions, 'completion'],
    [openAiRoutes.responses, 'response'],
  ] as const
  for (const [route, kind] of streamed) {
    serve(app, route, async ({ body: asked, caller, request, reply }) => {
      const recording: Recording = { caller, kind, model: asked.model, requestId: randomUUID() }
      await recorded(recording, async onOutcome => {
        const body = await auto.forProgram(caller, route.path, asked, reply)
        recording.model = body.model
        const { systemPrompt } = await policies.admit(caller, body.model)
        const { whole, pictures } = askedText(body, { tokens: true })
        const text =
          systemPrompt && kind !== 'completion'
            ? `${systemPrompt}
${whole}`
            : whole
        const reservation = await budgets.reserve(caller, {
          requestId: recording.requestId,
          model: body.model,
          text,
          pictures,
          ...askedTokens(route.path, body),
          streams: body.stream === true && kind !== 'response',
          windowTokens: models.windowOf(body.model) ?? 1,
        })
        recording.reservation = reservation
        if (reservation.warning) reply.raw.setHeader('x-fusion-budget-warning', warningText(reservation.warning))
        const passed = {
          reservation,
          answers,
          organisationId: caller.organisationId,
          keepMs: kind === 'response' ? 0 : keepOf(request.headers['x-fusion-cache']),
          models,
          path: route.path,
          body,
          systemPrompt,
          cacheSalt: caller.userId,
          ...turnOf(caller),
          patience,
          reply,
          told: (error: unknown) => app.told(error, request).body,
        }
        return passOn(passed, outcome => {
          const { usage, end, source } = outcome
          // Beside pictures nobody knows how many tokens the text had.
          if (end === 'complete' && source === 'model' && pictures === 0)
            guess.learnFrom(learnedAs(caller, body.model), text, usage.promptTokens)
          onOutcome(outcome)
        })
      })
    })
  }

  serve(app, openAiRoutes.embeddings, async ({ body, caller, reply }) => {
    const gone = new AbortController()
    onLeave(reply.raw, () => gone.abort())
    const recording: Recording = { caller, kind: 'embedding', model: body.model, requestId: randomUUID() }
    return recorded(recording, async onOutcome => {
      await policies.admit(caller, body.model)
      const windowTokens = Number.MAX_SAFE_INTEGER
      const needed = {
        requestId: recording.requestId,
        model: body.model,
        text: JSON.stringify(body.input),
        completionTokens: 0,
        answers: 0,
        streams: false,
        windowTokens,
      }
      recording.reservation = await budgets.reserve(caller, needed)
      let server: string | null = null
      const { who, isPerson } = turnOf(caller)
      try {
        const made = await embed(models, {
          wanted: { model: body.model, who, rank: isPerson ? ranks.person : ranks.program, blocks: [] },
          path: openAiRoutes.embeddings.path,
          body,
          patience,
          watch: { onServer: label => void (server = label) },
          signal: gone.signal,
        })
        onOutcome({ usage: { ...noUsage, promptTokens: made.usage?.prompt_tokens ?? 0 }, server, end: 'complete' })
        return made
      } catch (error) {
        if (!gone.signal.aborted) throw error
        onOutcome({ usage: noUsage, server, end: 'stopped' })
        return reply.hijack()
      }
    })
  })
}

type Recording = Pick<Recorded, 'caller' | 'kind' | 'model' | 'reservation'> & { requestId: string }
type Outcome = Pick<Recorded, 'usage' | 'server' | 'end' | 'retries' | 'source'>

/** All keys of a person share that person's turns: more keys are no more turns. What their programs ask does not hold up the person, by its rank. */
const turnOf = ({ userId, apiKeyId }: Caller) => ({ who: userId, isPerson: apiKeyId === null })

const MOST_KEPT_SECONDS = 86_400

/** `x-fusion-cache: 3600`: for so many seconds, a day at most, the same request has the same answer. */
function keepOf(header: string | string[] | undefined): number {
  if (header === undefined) return 0
  const seconds = typeof header === 'string' && /^\d{1,5}$/.test(header) ? Number(header) : NaN
  if (Number.isNaN(seconds) || seconds > MOST_KEPT_SECONDS)
    throw new WrongRequest('x-fusion-cache is a number of seconds, 86400 at most.', { param: 'x-fusion-cache', code: 'invalid_value' })
  return seconds * 1000
}
