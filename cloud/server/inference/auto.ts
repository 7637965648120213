// `model: "auto"`: the facts of this cloud for the policy of shared/routing, and its decision as the routes need it.
import type { TokenGuess } from '@fusion/shared/chat/token-guess.ts'
import type { ChatRequest } from '@fusion/shared/contract/cloud/chat.ts'
import type { CloudModel } from '@fusion/shared/contract/cloud/models.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { chooseModel, type Latency, type ModelFacts, type RoutingRules } from '@fusion/shared/routing/choose-model.ts'
import { difficultyOf, signsOf } from '@fusion/shared/routing/difficulty.ts'
import { type Choice, reasonSentence, type Refusal } from '@fusion/shared/routing/routing-reason.ts'
import type { FastifyReply } from 'fastify'
import type { Caller } from '../caller.ts'
import type { Config } from '../config.ts'
import type { Policies } from '../policies/policies.ts'
import { askedText, type AskedText } from './asked-text.ts'
import { askedTokens } from './asked-tokens.ts'
import type { Models } from './models.ts'
import type { Pace } from './pace.ts'

export interface AutoOptions {
  /** What the operator told of them. */
  told: Config['models']
  models: Pick<Models, 'list' | 'has' | 'servers' | 'waiting'>
  policies: Pick<Policies, 'modelsOf'>
  pace: Pick<Pace, 'of'>
  guess: Pick<TokenGuess, 'tokens'>
  /** Of an organisation. */
  rulesOf: (organisationId: string) => Promise<Pick<RoutingRules, 'dearest' | 'preferred'>>
}

export type Auto = ReturnType<typeof createAuto>

/** Names that leave the choice to us, with the wish that each tells. */
const wishes = new Map<string, Latency>([
  ['auto', 'balanced'],
  ['auto:fast', 'fast'],
  ['auto:best', 'best'],
])
/** vLLM computes so many at once on any GPU: what is under way beyond waits. */
const AT_ONCE = 32
/** Of a question whose words are in history alone. */
const UNKNOWN_DIFFICULTY = 0.5

/** Where a server has a model that is called `auto`, that name is its. */
export function createAuto({ told, models, policies, pace, guess, rulesOf }: AutoOptions) {
  const toldOf = new Map(told.map(one => [one.model, one]))
  const choosable = (from: readonly CloudModel[]) => from.filter(({ id }) => toldOf.get(id)?.auto !== false)
  const wishOf = (name: string): Latency | undefined => (models.has(name) ? undefined : wishes.get(name))

  function waitingPerReplica(model: string): number {
    const here = models.servers().filter(server => server.up && server.models.includes(model))
    const beyond = here.reduce((sum, { inFlight }) => sum + Math.max(0, inFlight - AT_ONCE), models.waiting(model))
    return here.length === 0 ? 0 : beyond / here.length
  }

  function factsOf({ id, max_model_len: windowTokens, fusion: { state } }: CloudModel): ModelFacts {
    const { promptPrice = 0, completionPrice = 0, quality = 0 } = toldOf.get(id) ?? {}
    const seen = { waitingPerReplica: waitingPerReplica(id), tokensPerSecond: pace.of(id) }
    return { model: id, windowTokens, promptPrice, completionPrice, quality, state, ...seen }
  }

  async function choose(
    caller: Caller,
    asked: string,
    latency: Latency,
    { whole, question, completionTokens }: Pick<AskedText, 'whole' | 'question'> & { completionTokens: number | null },
  ) {
    const [may, rules] = await Promise.all([policies.modelsOf(caller), rulesOf(caller.organisationId)])
    const here = choosable(models.list())
    const decision = chooseModel({
      models: here.map(factsOf),
      request: {
        promptTokens: guess.tokens(asked, whole),
        counted: false,
        completionTokens,
        latency,
        difficulty: question === '' ? UNKNOWN_DIFFICULTY : difficultyOf(signsOf(question)),
      },
      rules: { ...rules, allowed: here.map(({ id }) => id).filter(may) },
    })
    if (decision.model === null) throw failureOf(decision.why, asked)
    return { model: decision.model, why: decision.why }
  }

  return {
    /** These models, and `auto` before them where it has a choice. */
    listed(from: readonly CloudModel[]): CloudModel[] {
      const several = choosable(from)
      if (several.length < 2 || models.has('auto')) return [...from]
      const auto: CloudModel = {
        id: 'auto',
        object: 'model',
        created: 0,
        owned_by: 'fusion',
        // What fits only the largest window goes there.
        max_model_len: Math.max(...several.map(({ max_model_len: window }) => window)),
        fusion: {
          name: 'Automatic',
          quantization: null,
          state: (['ready', 'asleep'] as const).find(state => several.some(({ fusion }) => fusion.state === state)) ?? 'down',
        },
      }
      return [auto, ...from]
    },

    /** The same request for the model that answers it; the reply tells which and why by its headers. Throws what a choice of none is told by. */
    async forProgram<Body extends { model: string }>(caller: Caller, path: string, body: Body, reply: FastifyReply): Promise<Body> {
      const latency = wishOf(body.model)
      if (!latency) return body
      const { model, why } = await choose(caller, body.model, latency, { ...askedText(body), ...askedTokens(path, body) })
      reply.raw.setHeader('x-fusion-model', inHeader(model))
      reply.raw.setHeader('x-fusion-model-reason', inHeader(`${why.code}; ${reasonSentence(why)}`))
      return { ...body, model }
    },

    /** The model that answers, and why where it was ours to choose. */
    async forChat(caller: Caller, { model, prompt, question, sampling }: ChatRequest): Promise<{ model: string; modelReason?: Choice }> {
      const latency = wishOf(model)
      if (!latency) return { model }
      const turns = prompt?.messages ?? []
      const asked = prompt ? turns.findLast(({ role }) => role === 'user')?.text : question.text
      const chosen = await choose(caller, model, latency, {
        whole: prompt ? turns.map(({ text }) => text).join('\n') : (question.text ?? ''),
        question: asked ?? '',
        completionTokens: sampling?.maxTokens ?? null,
      })
      return { model: chosen.model, modelReason: chosen.why }
    },
  }
}

function failureOf(why: Refusal, asked: string): unknown {
  switch (why.code) {
    case 'none-fits':
      return failure('prompt-too-long', { tokens: why.neededTokens, window: why.windowTokens, model: why.model })
    case 'none-allowed':
      return failure('cloud-model-unknown', { model: asked })
    case 'all-too-dear':
      return failure('models-too-dear')
    case 'no-models':
    case 'all-down':
      return failure('model-servers-down', {}, { retryable: true })
  }
}

/** Headers carry ASCII alone, and names of models may be of any script. */
const inHeader = (text: string) => text.toWellFormed().replaceAll(/[^\x20-\x7e]/gu, encodeURIComponent)
