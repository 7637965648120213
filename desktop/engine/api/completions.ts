import { randomUUID } from 'node:crypto'
import type { TokenLogprob } from '@fusion/shared/contract/inference.ts'
import { checkRequest } from '@fusion/shared/openai/check-request.ts'
import { type Completion, type CompletionChoice, type CompletionLogprobs, CompletionRequest } from '@fusion/shared/openai/completions.ts'
import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import { type Choice, runChoices, usageOf } from './choices.ts'
import { openEventStream } from './event-stream.ts'
import type { Generation, Generations } from './generations.ts'
import { sendJson } from './respond.ts'
import type { Exchange } from './routes.ts'
import { limitsOf, samplingOf, withoutNull } from './sampling.ts'

/** OpenAI's own default for this route. */
const DEFAULT_TOKENS = 16

/** Half of what may wait in all: what is asked for again after a 429 has to fit at some time. */
const MOST_ANSWERS = 128

/** `POST /v1/completions`. */
export async function completions(generations: Generations, exchange: Exchange): Promise<void> {
  const { response, signal, client, headers } = exchange
  const body = checkRequest(CompletionRequest, exchange.body)
  const { modelId, modelName } = await generations.model(body.model, signal)
  const perPrompt = body.n ?? 1
  const prompts = promptsOf(body.prompt)
  if (prompts.length * perPrompt > MOST_ANSWERS) {
    throw new WrongRequest(`${prompts.length} prompts with ${perPrompt} answers each are too many: ${MOST_ANSWERS} answers are the most.`, {
      param: 'n',
      code: 'invalid_value',
    })
  }
  const wanted = prompts.flatMap(raw =>
    Array.from({ length: perPrompt }, (_, index): Generation => ({
      modelId,
      modelName,
      client,
      signal,
      request: {
        prompt: { raw },
        sampling: samplingOf(body, body.max_tokens ?? DEFAULT_TOKENS, index),
        ...limitsOf(body),
        ...(typeof body.logprobs === 'number' && { logprobs: body.logprobs }),
      },
    })),
  )
  const frame = { id: `cmpl-${randomUUID()}`, object: 'text_completion' as const, created: Math.floor(Date.now() / 1000), model: modelName }
  if (body.stream) return stream()

  const choices = await runChoices(generations, wanted)
  const completion: Completion = {
    ...frame,
    choices: choices.map((choice, index) => ({
      index,
      text: choice.text,
      logprobs: typeof body.logprobs === 'number' ? logprobsOf(choice.logprobs, 0) : null,
      ...endOf(choice.finish),
      ...(body.return_token_ids && withoutNull({ token_ids: choice.tokenIds, prompt_token_ids: choice.promptTokenIds })),
    })),
    usage: usageOf(choices, perPrompt),
  }
  sendJson(response, 200, completion, headers)

  async function stream(): Promise<void> {
    const events = openEventStream(response, signal, headers)
    const withUsage = body.stream_options?.include_usage ?? false
    const send = (choices: CompletionChoice[], usage: Completion['usage'] = null) =>
      events.send({ ...frame, choices, ...(withUsage && { usage }) } satisfies Completion)
    const lengths = wanted.map(() => 0)
    try {
      const choices = await runChoices(generations, wanted, async (index, event) => {
        const piece = (text: string, more: Partial<CompletionChoice> = {}) =>
          send([{ index, text, logprobs: null, finish_reason: null, ...more }])
        if (event.type === 'prompt-ready' && event.tokenIds) await piece('', { prompt_token_ids: event.tokenIds })
        if (event.type === 'text-delta') {
          await piece(event.text, {
            ...(event.logprobs && { logprobs: logprobsOf(event.logprobs, lengths[index]!) }),
            ...(body.return_token_ids && { token_ids: event.tokenIds ?? [] }),
          })
          lengths[index]! += event.text.length
        }
        if (event.type === 'answer-finished') await piece('', endOf(event))
      })
      if (withUsage) await send([], usageOf(choices, perPrompt))
      events.end('[DONE]')
    } catch (error) {
      events.fail(error)
      throw error
    }
  }
}

function promptsOf(prompt: CompletionRequest['prompt']): (string | number[])[] {
  if (typeof prompt === 'string') return [prompt]
  return typeof prompt[0] === 'number' ? [prompt as number[]] : (prompt as string[] | number[][])
}

/** `from`: characters of the answer before these tokens. */
function logprobsOf(scored: readonly TokenLogprob[], from: number): CompletionLogprobs {
  let offset = from
  return {
    tokens: scored.map(({ text }) => text),
    token_logprobs: scored.map(({ logprob }) => logprob),
    top_logprobs: scored.map(({ top }) => Object.fromEntries(top.map(({ text, logprob }) => [text, logprob]))),
    text_offset: scored.map(({ text }) => (offset += text.length) - text.length),
  }
}

function endOf(finish: Choice['finish']): Pick<CompletionChoice, 'finish_reason' | 'stop_reason'> {
  const cut = finish?.reason === 'length' || finish?.reason === 'window'
  return { finish_reason: cut ? 'length' : 'stop', ...(finish?.stopText !== undefined && { stop_reason: finish.stopText }) }
}
