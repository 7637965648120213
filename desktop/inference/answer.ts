import { failure } from '@fusion/shared/contract/failures.ts'
import type { GenerateEvent, GenerateRequest } from '@fusion/shared/contract/inference.ts'
import { createMailbox } from '@fusion/shared/rpc/mailbox.ts'
import { type Calls, createCalls, offered } from './calls.ts'
import type { LoadedLlama } from './llama.ts'
import { createPieces, joinDeltas } from './pieces.ts'
import { type AnswerPiece, createAnswerReader } from './reasoning.ts'
import { formFailure } from './forms.ts'
import { createPicker } from './sampling.ts'
import type { Scheduler } from './scheduling/scheduler.ts'
import { createTokenText } from './token-text.ts'
import type { ToolPiece } from './tool-reader.ts'
import { createUntold } from './untold.ts'

type Finished = Extract<GenerateEvent, { type: 'answer-finished' }>

const isDelta = (event: GenerateEvent) => event.type === 'text-delta' || event.type === 'tool-call-delta'

/** While the reader is behind, deltas of one part become one, and only the newest progress counts. */
function merge(last: GenerateEvent, next: GenerateEvent): GenerateEvent | undefined {
  if (isDelta(last) && isDelta(next)) return joinDeltas(last, next)
  return last.type === 'prefill-progress' && next.type === 'prefill-progress' ? next : undefined
}

/** One answer as events. Leaving the loop, or aborting, ends it at once; what is being computed ends with its batch. */
export async function* generate(
  llama: LoadedLlama,
  scheduler: Scheduler,
  request: GenerateRequest,
  outer: AbortSignal,
): AsyncGenerator<GenerateEvent, void, void> {
  const { chatId, program, sampling, priority, stop = [], ignoreEnd = false } = request
  const prompt = 'raw' in request.prompt ? request.prompt : offered(request.prompt, request)
  const plain = 'raw' in prompt
  const read = plain ? await llama.prompts.raw(prompt, outer) : await llama.prompts.prompt(prompt, outer)
  const { tokens, answerAt, answerStart, prefix } = read
  const window = llama.loaded.contextTokens
  // One token must be left to answer with.
  if (tokens.length >= window) throw failure('prompt-too-long', { tokens: tokens.length, window, model: llama.name })

  const calls = plain ? undefined : await createCalls(llama, prompt, request)
  const guide = calls?.guide ?? (request.form && (await llama.forms.guide(request.form, answerStart)))

  const left = new AbortController()
  const signal = AbortSignal.any([outer, left.signal])
  const events = createMailbox<GenerateEvent>({ merge, signal })
  const pieces = createPieces(events.push)
  // The end of a model without end tokens is a text too.
  const ownEnd = read.stopText !== undefined && !ignoreEnd ? [read.stopText] : []
  const visible = plain ? new Map<number, string>() : llama.visible
  const reader = createAnswerReader({
    prefix: answerStart === '' ? prefix : '',
    stopTexts: [...stop, ...ownEnd],
    controls: [...visible.values()],
    plain,
  })
  const picker = createPicker(llama, { sampling, prompt: tokens, logprobs: request.logprobs })
  const text = createTokenText(llama.native, tokens, calls ? new Map([...visible, ...llama.visibleCalls]) : visible)
  const untold = createUntold({ ids: request.tokenIds ?? false, logprobs: request.logprobs !== undefined })
  const sampled: number[] = []
  let reason: Finished['reason'] = 'stop'
  let said = answerStart
  let reasoned = false
  let pushed = 0
  let started = performance.now()
  let firstAt: number | undefined
  let lastAt = 0

  const due = () => untold.take(pushed - reader.held - (calls?.reader.held ?? 0))

  function say(read: readonly AnswerPiece[]): void {
    for (const { part, text } of read) {
      if (part === 'reasoning') reasoned = true
      if (part === 'text' && calls) sayWithCalls(calls, calls.reader.push(text))
      else {
        pieces.add({ type: 'text-delta', part, text, ...due() })
        if (part === 'text') said += text
      }
    }
  }

  function sayWithCalls(calls: Calls, read: readonly ToolPiece[]): void {
    for (const piece of read) {
      if (piece.type === 'text') {
        pieces.add({ type: 'text-delta', part: 'text', text: piece.text, ...due() })
        said += piece.text
        continue
      }
      const event = calls.event(piece, piece.type === 'call-delta' ? due().tokens : 0)
      if (event?.type === 'tool-call-delta') pieces.add(event)
      else if (event) {
        pieces.flush()
        events.push(event)
      }
    }
  }

  function hear(text: string): void {
    pushed += text.length
    say(reader.push(text))
  }

  // What the model thinks has no form.
  if (guide && !reader.reasons) picker.guideBy(guide)
  const outcome = scheduler.answer({
    kind: 'answer',
    chatId,
    program: chatId === null ? program : undefined,
    tokens,
    priority,
    picker,
    signal,
    onPrompt(cachedTokens) {
      started = performance.now()
      events.push({ type: 'prompt-ready', promptTokens: tokens.length, cachedTokens, ...(request.tokenIds && { tokenIds: tokens }) })
    },
    onPrefill: done => events.push({ type: 'prefill-progress', done, total: tokens.length }),
    onTokens({ tokens, logprob, done }) {
      lastAt = performance.now()
      firstAt ??= lastAt
      for (const [index, token] of tokens.entries()) {
        if (llama.isEnd(token) && !(ignoreEnd && !guide)) return false
        sampled.push(token)
        untold.add({ id: token, ...(index === 0 && logprob && { logprob }) }, pushed)
        hear(text.push(token))
        if (reader.stopText !== undefined || calls?.enough()) return false
        if (sampled.length === sampling.maxTokens && !(done && index === tokens.length - 1)) {
          reason = 'length'
          return false
        }
      }
      if (guide && !reader.reasons) picker.guideBy(guide)
      return !done
    },
  })
  const finished = finish()
  async function finish(): Promise<void> {
    const how = await outcome.catch((error: unknown): never => {
      throw formFailure(error)
    })
    const { stopText } = reader
    if (how !== 'cancelled' && stopText === undefined) {
      hear(text.end())
      say(reader.end())
    }
    if (how !== 'cancelled' && calls) sayWithCalls(calls, calls.reader.end())
    if (calls && calls.reader.calls > 0 && reason === 'stop') reason = 'tool-calls'
    // Cut while it waits for what may follow, such as the rest of a text that stops it, its tokens say more than was told.
    const untoldText = how === 'cancelled' && (text.split || reader.held + (calls?.reader.held ?? 0) > 0)
    // Exactly these tokens stand in the KV state, so the next prompt names the answer by them.
    if (!untoldText && !plain && !reasoned && !calls?.reader.calls && stopText === undefined) {
      const answer = [...tokens.slice(answerAt), ...sampled]
      llama.prompts.remember(said, answer)
      if (chatId !== null) scheduler.keepAnswer(chatId, { at: answerAt, tokens: answer })
    }
    if (how === 'cancelled') return
    sayRest(stopText)
    pieces.flush()
    events.push({
      type: 'answer-finished',
      reason: how === 'window' ? 'window' : reason,
      ...(stopText !== undefined && stop.includes(stopText) && { stopText }),
      completionTokens: sampled.length,
      prefillMs: (firstAt ?? performance.now()) - started,
      decodeMs: firstAt === undefined ? 0 : lastAt - firstAt,
    })
  }

  /** Tokens without text. Of a text that stopped the answer only their number is told. */
  function sayRest(stopText: string | undefined): void {
    const { tokens, ...what } = untold.take(Infinity)
    if (tokens > 0) pieces.add({ type: 'text-delta', part: 'text', text: '', tokens, ...(stopText === undefined && what) })
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
