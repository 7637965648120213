// One answer, from the count of its prompt to its last event. It knows nothing of connections.
import type { GenerationEvent, GenerationUsage } from '@fusion/shared/contract/cloud/chat.ts'
import type { Sampling } from '@fusion/shared/chat/conversation.ts'
import type { FinishReason } from '@fusion/shared/chat/message.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Choice } from '@fusion/shared/routing/routing-reason.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { Clock } from '../clock.ts'
import { asFailure, type ModelServer, ServerLost, type ToldUsage } from '../inference/model-server.ts'
import type { Models } from '../inference/models.ts'
import { type AnswerPiece, type AnswerSoFar, createAnswerSoFar } from './answer-so-far.ts'
import type { MakePrompt } from './counted-prompt.ts'
import { createWholeText } from './whole-text.ts'

export interface AnswerRequest {
  generation: string
  model: string
  /** Why this one, where the choice was ours. */
  modelReason?: Choice | undefined
  prompt: MakePrompt
  sampling: Sampling
  /** Keeps one tenant's prompts from being seen in the timing of another's: vLLM's prefix cache is shared only within a salt. */
  cacheSalt: string
}

/** How a cancelled answer is told from one that took too long. */
export const CANCELLED = new Error('cancelled')

/** The first server and two more. */
const TRIES = 3

/**
 * Makes the answer and tells its events; the last one is always told, whatever happens. `signal` aborts with `CANCELLED`, or with the failure
 * that ends it. Never throws.
 */
export async function makeAnswer(
  { models, clock }: { models: Models; clock: Clock },
  request: AnswerRequest,
  tell: (event: GenerationEvent) => void,
  signal: AbortSignal,
): Promise<{ usage: GenerationUsage; server: string | null }> {
  const counted = createCount(clock)
  const answer: Answer = { request, counted, soFar: createAnswerSoFar(), told: createToldText(tell), tell, signal, limits: undefined }
  let server: ModelServer | undefined
  const { generation, model, modelReason } = request
  tell({ type: 'generation-start', generation, model, modelName: model, ...(modelReason && { modelReason }) })
  try {
    const tried = new Set<ModelServer>()
    for (let attempt = 1; ; attempt++) {
      const begun = counted.usage().completionTokens > 0
      // What was made can't be taken back: it is gone on with by the same weights alone.
      server = models.choose(request.model, tried, begun ? server : undefined)
      tried.add(server)
      try {
        const reason = begun ? await goOn(server, answer) : await askOnce(server, answer)
        models.seen(server, true)
        answer.told.end()
        tell({
          type: 'generation-finish',
          reason,
          usage: counted.usage(),
          firstTokenMs: counted.firstTokenMs(),
          tokensPerSecond: counted.tokensPerSecond(),
        })
        break
      } catch (error) {
        if (!(error instanceof ServerLost)) throw error
        models.seen(server, false)
        const canGoOn = counted.usage().completionTokens === 0 || answer.soFar.canGoOn(request.sampling)
        if (!canGoOn || attempt === TRIES || signal.aborted) throw error
        tell({ type: 'request-retry', attempt: attempt + 1 })
      }
    }
  } catch (error) {
    answer.told.end()
    const usage = counted.usage()
    if (signal.aborted && signal.reason === CANCELLED) tell({ type: 'generation-stop', usage })
    else tell({ type: 'generation-fail', failure: Failure.toBody(asFailure(signal.aborted ? signal.reason : error)), usage })
  }
  return { usage: counted.usage(), server: server?.label ?? null }
}

/** One answer while it is made, by whichever server. */
interface Answer {
  request: AnswerRequest
  counted: Count
  soFar: AnswerSoFar
  told: ToldText
  tell: (event: GenerationEvent) => void
  signal: AbortSignal
  /** Tokens that the answer may have, and that the window has room for; known when the prompt was counted. */
  limits: { most: number; room: number } | undefined
}

async function askOnce(server: ModelServer, answer: Answer): Promise<FinishReason> {
  const { request, counted, soFar, told, tell, signal } = answer
  const { model, sampling } = request
  const { messages, continued, tokens, window, leftOut } = await request.prompt(server, signal)
  counted.prompt(tokens)
  // One token of an answer has to fit, too.
  if (tokens >= window) throw failure('prompt-too-long', { tokens, window, model })
  tell({ type: 'prompt-count', promptTokens: tokens, windowTokens: window, leftOut })
  const room = window - tokens
  answer.limits = { most: Math.min(sampling.maxTokens ?? room, room), room }
  const body = {
    model,
    messages,
    ...(continued && { continue_final_message: true, add_generation_prompt: false }),
    ...settingsOf(request, answer.limits.most),
  }
  let reason: string | undefined
  for await (const { choices, usage, prompt_token_ids: promptIds } of server.streamChat(body, signal)) {
    const { delta, token_ids: tokenIds, finish_reason: finished } = choices[0] ?? {}
    if (promptIds) soFar.prompt(promptIds)
    const piece = {
      text: delta?.content ?? '',
      reasoning: delta?.reasoning_content ?? delta?.reasoning ?? '',
      tokenIds: tokenIds ?? undefined,
    }
    soFar.take(piece)
    counted.take(piece, usage)
    told.take(piece)
    reason = finished ?? reason
  }
  return reasonOf(reason, answer)
}

/** Goes on where another server broke off, by tokens. */
async function goOn(server: ModelServer, answer: Answer): Promise<FinishReason> {
  const { request, counted, soFar, told, signal, limits } = answer
  const { prompt, made } = soFar.goOn()
  counted.goOn(made)
  const left = limits!.most - made
  if (left <= 0) return reasonOf('length', answer)
  let reason: string | undefined
  for await (const { choices, usage } of server.streamCompletion({ model: request.model, prompt, ...settingsOf(request, left) }, signal)) {
    const { text = '', token_ids: tokenIds, finish_reason: finished } = choices[0] ?? {}
    const piece = { text, reasoning: '', tokenIds: tokenIds ?? undefined }
    soFar.take(piece)
    counted.take(piece, usage)
    told.take(piece)
    reason = finished ?? reason
  }
  return reasonOf(reason, answer)
}

function reasonOf(reason: string | undefined, { request: { sampling }, limits }: Answer): FinishReason {
  if (reason === undefined) throw new ServerLost('the model server did not say why its answer ended')
  if (reason !== 'length') return 'stop'
  return sampling.maxTokens !== undefined && sampling.maxTokens < limits!.room ? 'length' : 'window'
}

const settingsOf = ({ sampling, cacheSalt }: AnswerRequest, most: number) => ({
  ...samplingOf(sampling),
  max_tokens: most,
  stream_options: { include_usage: true },
  return_token_ids: true,
  cache_salt: cacheSalt,
})

type ToldText = ReturnType<typeof createToldText>

/** Tells text and reasoning as they come, in whole characters: a server may cut one in two. */
function createToldText(tell: (event: GenerationEvent) => void) {
  const parts = { 'reasoning-delta': createWholeText(), 'text-delta': createWholeText() }
  const tellText = (type: keyof typeof parts, text: string) => text && tell({ type, text })
  return {
    take({ text, reasoning }: AnswerPiece): void {
      tellText('reasoning-delta', parts['reasoning-delta'].take(reasoning))
      tellText('text-delta', parts['text-delta'].take(text))
    },
    end(): void {
      for (const [type, part] of Object.entries(parts)) tellText(type as keyof typeof parts, part.end())
    },
  }
}

/** Our names of sampling settings in vLLM's words. */
function samplingOf({
  temperature,
  topP,
  topK,
  minP,
  repeatPenalty,
  presencePenalty,
  frequencyPenalty,
  seed,
}: Sampling): Record<string, number> {
  const named = {
    temperature,
    top_p: topP,
    top_k: topK,
    min_p: minP,
    repetition_penalty: repeatPenalty,
    presence_penalty: presencePenalty,
    frequency_penalty: frequencyPenalty,
    seed,
  }
  return Object.fromEntries(Object.entries(named).filter((entry): entry is [string, number] => entry[1] !== undefined))
}

type Count = ReturnType<typeof createCount>

/** Tokens by the server's own count, taken once from its last word; until then, and where it broke off, by what came. */
function createCount(clock: Clock) {
  const startedAt = clock()
  let usage: GenerationUsage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0 }
  let firstAt: number | undefined
  let lastAt = startedAt
  let before = 0
  return {
    usage: () => usage,
    firstTokenMs: () => (firstAt === undefined ? null : firstAt - startedAt),
    tokensPerSecond: () =>
      firstAt === undefined || lastAt <= firstAt || usage.completionTokens < 2
        ? null
        : ((usage.completionTokens - 1) * 1000) / (lastAt - firstAt),
    prompt(promptTokens: number): void {
      usage = { ...usage, promptTokens }
    },
    /** Another server goes on after so many tokens: for it they are a part of the prompt. */
    goOn(made: number): void {
      before = made
      usage = { ...usage, completionTokens: made }
    },
    take({ text, reasoning, tokenIds }: AnswerPiece, told: ToldUsage | undefined): void {
      const made = tokenIds?.length ?? (text !== '' || reasoning !== '' ? 1 : 0)
      if (made > 0) {
        lastAt = clock()
        firstAt ??= lastAt
        usage = { ...usage, completionTokens: usage.completionTokens + made }
      }
      if (!told) return
      const { promptTokens, cachedTokens, completionTokens } = usage
      usage = {
        promptTokens: before > 0 ? promptTokens : told.prompt_tokens,
        cachedTokens: before > 0 ? cachedTokens : Math.min(told.prompt_tokens, told.prompt_tokens_details?.cached_tokens ?? 0),
        completionTokens: told.completion_tokens === undefined ? completionTokens : before + told.completion_tokens,
      }
    },
  }
}
