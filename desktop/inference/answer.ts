import { failure } from '@fusion/shared/contract/failures.ts'
import type { GenerateEvent, Prompt } from '@fusion/shared/contract/inference.ts'
import type { Sampling } from '@fusion/shared/chat/conversation.ts'
import type { FinishReason } from '@fusion/shared/chat/message.ts'
import { createMailbox } from '@fusion/shared/rpc/mailbox.ts'
import type { LoadedLlama } from './llama.ts'
import { createPieces, joinDeltas } from './pieces.ts'
import { createAnswerReader } from './reasoning.ts'
import { createSampler } from './sampling.ts'
import type { Scheduler } from './scheduling/scheduler.ts'
import { createTokenText } from './token-text.ts'

export interface AnswerRequest {
  chatId: string
  prompt: Prompt
  sampling: Sampling
  priority: number
}

/** While the reader is behind, deltas of one part become one, and only the newest progress counts. */
function merge(last: GenerateEvent, next: GenerateEvent): GenerateEvent | undefined {
  if (last.type === 'text-delta' && next.type === 'text-delta') return joinDeltas(last, next)
  return last.type === 'prefill-progress' && next.type === 'prefill-progress' ? next : undefined
}

/** One answer as events. Leaving the loop, or aborting, ends it at once; what is being computed ends with its batch. */
export async function* generate(
  llama: LoadedLlama,
  scheduler: Scheduler,
  { chatId, prompt, sampling, priority }: AnswerRequest,
  outer: AbortSignal,
): AsyncGenerator<GenerateEvent, void, void> {
  const { tokens, answerAt, answerStart, prefix, stopText } = await llama.prompts.prompt(prompt, outer)
  const window = llama.loaded.contextTokens
  // One token must be left to answer with.
  if (tokens.length >= window) throw failure('prompt-too-long', { tokens: tokens.length, window, model: llama.name })

  const left = new AbortController()
  const signal = AbortSignal.any([outer, left.signal])
  const events = createMailbox<GenerateEvent>({ merge, signal })
  const pieces = createPieces(events.push)
  const reader = createAnswerReader({ prefix: answerStart === '' ? prefix : '', stopText, controls: [...llama.visible.values()] })
  const text = createTokenText(llama.native, tokens, llama.visible)
  const sampled: number[] = []
  let reason: FinishReason = 'stop'
  let said = answerStart
  let reasoned = false
  let unsaid = 0
  let started = performance.now()
  let firstAt: number | undefined
  let lastAt = 0

  function say(read: ReturnType<typeof reader.push>): void {
    for (const { part, text } of read) {
      pieces.add({ type: 'text-delta', part, text, tokens: unsaid })
      unsaid = 0
      if (part === 'text') said += text
      else reasoned = true
    }
  }

  const outcome = scheduler.answer({
    kind: 'answer',
    chatId,
    tokens,
    priority,
    sampler: createSampler(llama, sampling, tokens),
    signal,
    onPrompt(cachedTokens) {
      started = performance.now()
      events.push({ type: 'prompt-ready', promptTokens: tokens.length, cachedTokens })
    },
    onPrefill: done => events.push({ type: 'prefill-progress', done, total: tokens.length }),
    onToken(token) {
      lastAt = performance.now()
      firstAt ??= lastAt
      if (llama.isEnd(token)) return false
      sampled.push(token)
      unsaid++
      say(reader.push(text.push(token)))
      if (reader.stopped) return false
      if (sampled.length === sampling.maxTokens) {
        reason = 'length'
        return false
      }
      return true
    },
  })
  const finished = finish()
  async function finish(): Promise<void> {
    const how = await outcome
    if (how !== 'cancelled') say([...reader.push(text.end()), ...reader.end()])
    // Exactly these tokens stand in the KV state, so the next prompt names the answer by them.
    if (!reasoned && !reader.stopped) {
      const answer = [...tokens.slice(answerAt), ...sampled]
      llama.prompts.remember(said, answer)
      scheduler.keepAnswer(chatId, { at: answerAt, tokens: answer })
    }
    if (how === 'cancelled') return
    if (unsaid > 0) pieces.add({ type: 'text-delta', part: 'text', text: '', tokens: unsaid })
    pieces.flush()
    events.push({
      type: 'answer-finished',
      reason: how === 'window' ? 'window' : reason,
      completionTokens: sampled.length,
      prefillMs: (firstAt ?? performance.now()) - started,
      decodeMs: firstAt === undefined ? 0 : lastAt - firstAt,
    })
  }
  void finished
    .catch(() => {})
    .finally(() => {
      pieces.flush()
      events.end()
    })

  try {
    yield* events
    outer.throwIfAborted()
    await finished
  } finally {
    left.abort()
  }
}
