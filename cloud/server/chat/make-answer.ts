// One answer, from the count of its prompt to its last event. It knows nothing of connections.
import type { GenerationEvent, GenerationUsage } from '@fusion/shared/contract/cloud/chat.ts'
import type { Sampling } from '@fusion/shared/chat/conversation.ts'
import type { FinishReason } from '@fusion/shared/chat/message.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { Clock } from '../clock.ts'
import { asFailure, type ChatChunk, type ModelServer, ServerLost } from '../inference/model-server.ts'
import type { Models } from '../inference/models.ts'
import type { MakePrompt } from './counted-prompt.ts'
import { createWholeText } from './whole-text.ts'

export interface AnswerRequest {
  generation: string
  model: string
  prompt: MakePrompt
  sampling: Sampling
  /** Keeps one tenant's prompts from being seen in the timing of another's: vLLM's prefix cache is shared only within a salt. */
  cacheSalt: string
}

/** How a cancelled answer is told from one that took too long. */
export const CANCELLED = new Error('cancelled')

const TRIES = 2

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
  let server: ModelServer | undefined
  tell({ type: 'generation-start', generation: request.generation, model: request.model, modelName: request.model })
  try {
    const tried = new Set<ModelServer>()
    for (let attempt = 1; ; attempt++) {
      server = models.choose(request.model, tried)
      tried.add(server)
      try {
        const reason = await askOnce(server, request, counted, tell, signal)
        models.seen(server, true)
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
        // What was made can't be taken back: only before the first word is another one asked without a seam.
        if (counted.usage().completionTokens > 0 || attempt === TRIES || signal.aborted) throw error
        tell({ type: 'request-retry', attempt: attempt + 1 })
      }
    }
  } catch (error) {
    const usage = counted.usage()
    if (signal.aborted && signal.reason === CANCELLED) tell({ type: 'generation-stop', usage })
    else tell({ type: 'generation-fail', failure: Failure.toBody(asFailure(signal.aborted ? signal.reason : error)), usage })
  }
  return { usage: counted.usage(), server: server?.label ?? null }
}

async function askOnce(
  server: ModelServer,
  request: AnswerRequest,
  counted: Count,
  tell: (event: GenerationEvent) => void,
  signal: AbortSignal,
): Promise<FinishReason> {
  const { model, sampling } = request
  const { messages, continued, tokens, window, leftOut } = await request.prompt(server, signal)
  counted.prompt(tokens)
  // One token of an answer has to fit, too.
  if (tokens >= window) throw failure('prompt-too-long', { tokens, window, model })
  tell({ type: 'prompt-count', promptTokens: tokens, windowTokens: window, leftOut })
  const room = window - tokens
  const body = {
    model,
    messages,
    ...(continued && { continue_final_message: true, add_generation_prompt: false }),
    ...samplingOf(sampling),
    max_tokens: Math.min(sampling.maxTokens ?? room, room),
    stream_options: { include_usage: true },
    return_token_ids: true,
    cache_salt: request.cacheSalt,
  }
  let reason: string | undefined
  const parts = { 'reasoning-delta': createWholeText(), 'text-delta': createWholeText() }
  const tellText = (type: keyof typeof parts, text: string) => text && tell({ type, text })
  try {
    for await (const chunk of server.streamChat(body, signal)) {
      const [choice] = chunk.choices
      counted.take(chunk)
      const reasoning = choice?.delta?.reasoning_content ?? choice?.delta?.reasoning
      tellText('reasoning-delta', parts['reasoning-delta'].take(reasoning ?? ''))
      tellText('text-delta', parts['text-delta'].take(choice?.delta?.content ?? ''))
      reason = choice?.finish_reason ?? reason
    }
  } finally {
    for (const [type, part] of Object.entries(parts)) tellText(type as keyof typeof parts, part.end())
  }
  if (reason === undefined) throw new ServerLost('the model server did not say why its answer ended')
  if (reason !== 'length') return 'stop'
  return sampling.maxTokens !== undefined && sampling.maxTokens < room ? 'length' : 'window'
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
    take({ choices: [choice], usage: told }: ChatChunk): void {
      const { content, reasoning_content, reasoning } = choice?.delta ?? {}
      const made = choice?.token_ids?.length ?? (content || reasoning_content || reasoning ? 1 : 0)
      if (made > 0) {
        lastAt = clock()
        firstAt ??= lastAt
        usage = { ...usage, completionTokens: usage.completionTokens + made }
      }
      if (told) {
        usage = {
          promptTokens: told.prompt_tokens,
          cachedTokens: Math.min(told.prompt_tokens, told.prompt_tokens_details?.cached_tokens ?? 0),
          completionTokens: told.completion_tokens ?? usage.completionTokens,
        }
      }
    },
  }
}
