import { randomUUID } from 'node:crypto'
import type { AnswerForm, GenerateEvent, GenerateRequest, TokenLogprob, ToolChoice } from '@fusion/shared/contract/inference.ts'
import {
  type ChatCompletion,
  type ChatCompletionChunk,
  ChatCompletionRequest,
  type ChatFinishReason,
  type ChoiceLogprobs,
} from '@fusion/shared/openai/chat-completions.ts'
import { checkRequest } from '@fusion/shared/openai/check-request.ts'
import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import { type Choice, runChoices, usageOf } from './choices.ts'
import { openEventStream } from './event-stream.ts'
import type { Generation, Generations } from './generations.ts'
import { promptWith } from './prompt-of.ts'
import { sendJson } from './respond.ts'
import type { Exchange } from './routes.ts'
import { limitsOf, samplingOf, withoutNull } from './sampling.ts'

/** `POST /v1/chat/completions`. */
export async function chatCompletions(generations: Generations, exchange: Exchange): Promise<void> {
  const { response, signal, client, headers } = exchange
  const body = checkRequest(ChatCompletionRequest, exchange.body)
  const { modelId, modelName } = await generations.model(body.model, signal)
  const count = body.n ?? 1
  const request = requestOf(body)
  const maxTokens = body.max_completion_tokens ?? body.max_tokens
  const wanted = Array.from({ length: count }, (_, index): Generation => ({
    modelId,
    modelName,
    client,
    signal,
    request: { ...request, sampling: samplingOf(body, maxTokens, index) },
  }))
  const frame = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: modelName }
  if (body.stream) return stream()

  const choices = await runChoices(generations, wanted)
  const completion: ChatCompletion = {
    ...frame,
    object: 'chat.completion',
    choices: choices.map((choice, index) => ({
      index,
      message: {
        role: 'assistant',
        content: choice.text === '' && choice.toolCalls.length > 0 ? null : choice.text,
        refusal: null,
        ...(choice.reasoning !== '' && { reasoning_content: choice.reasoning }),
        ...(choice.toolCalls.length > 0 && {
          tool_calls: choice.toolCalls.map(({ id, ...called }) => ({ id, type: 'function' as const, function: called })),
        }),
      },
      logprobs: body.logprobs ? logprobsOf(choice.logprobs) : null,
      ...endOf(choice.finish),
      ...(body.return_token_ids && { token_ids: choice.tokenIds }),
    })),
    usage: usageOf(choices, count),
    ...(body.return_token_ids && withoutNull({ prompt_token_ids: choices[0]!.promptTokenIds })),
  }
  sendJson(response, 200, completion, headers)

  async function stream(): Promise<void> {
    const events = openEventStream(response, signal, headers)
    const withUsage = body.stream_options?.include_usage ?? false
    const send = (choice: ChatCompletionChunk['choices'][number] | undefined, more: Partial<ChatCompletionChunk> = {}) =>
      events.send({
        ...frame,
        object: 'chat.completion.chunk',
        choices: choice ? [choice] : [],
        ...(withUsage && { usage: null }),
        ...more,
      } satisfies ChatCompletionChunk)

    async function tell(index: number, event: GenerateEvent): Promise<void> {
      const piece = (delta: ChatCompletionChunk['choices'][number]['delta'], more: object = {}) =>
        ({ index, delta, logprobs: null, finish_reason: null, ...more }) as const
      switch (event.type) {
        case 'prompt-ready':
          return send(piece({ role: 'assistant', content: '' }), withoutNull({ prompt_token_ids: event.tokenIds }))
        case 'text-delta':
          // Tokens without a text, such as a mark behind a call, of which nothing else is asked.
          if (event.text === '' && !event.logprobs?.length && !body.return_token_ids) return
          return send(
            piece(event.part === 'text' ? { content: event.text } : { reasoning_content: event.text }, {
              ...(event.logprobs && { logprobs: logprobsOf(event.logprobs) }),
              ...(body.return_token_ids && { token_ids: event.tokenIds ?? [] }),
            }),
          )
        case 'tool-call-started':
          return send(
            piece({ tool_calls: [{ index: event.index, id: event.id, type: 'function', function: { name: event.name, arguments: '' } }] }),
          )
        case 'tool-call-delta':
          return send(piece({ tool_calls: [{ index: event.index, function: { arguments: event.arguments } }] }))
        case 'answer-finished':
          return send({ index, delta: {}, logprobs: null, ...endOf(event) })
        case 'prefill-progress':
          return
      }
    }
    try {
      const choices = await runChoices(generations, wanted, tell)
      if (withUsage) await send(undefined, { usage: usageOf(choices, count) })
      events.end('[DONE]')
    } catch (error) {
      events.fail(error)
      throw error
    }
  }
}

/** Everything but the sampling settings in the words of inference. Throws for what does not fit together. */
function requestOf(body: ChatCompletionRequest): Omit<GenerateRequest, 'chatId' | 'priority' | 'sampling'> {
  if (body.top_logprobs && !body.logprobs) {
    throw new WrongRequest(`'top_logprobs' needs 'logprobs' to be true.`, { param: 'top_logprobs', code: 'invalid_value' })
  }
  const tools = body.tools?.map(({ function: { name, description, parameters } }) => ({
    name,
    ...withoutNull({ description, parameters }),
  }))
  const form = formOf(body.response_format)
  const toolChoice = toolChoiceOf(body)
  return {
    prompt: { ...promptWith(body.messages, body), ...(tools && tools.length > 0 && { tools }) },
    ...limitsOf(body),
    ...(form && { form }),
    ...(toolChoice && { toolChoice }),
    ...(typeof body.parallel_tool_calls === 'boolean' && { parallelToolCalls: body.parallel_tool_calls }),
    ...(body.logprobs && { logprobs: body.top_logprobs ?? 0 }),
  }
}

function formOf(format: ChatCompletionRequest['response_format']): AnswerForm | undefined {
  switch (format?.type) {
    case 'json_object':
      return { type: 'json-object' }
    case 'json_schema':
      return { type: 'json-schema', schema: format.json_schema.schema ?? {} }
    case 'text':
    case undefined:
      return undefined
  }
}

function toolChoiceOf({ tools, tool_choice: choice }: ChatCompletionRequest): ToolChoice | undefined {
  if (choice === null || choice === undefined) return undefined
  const names = tools?.map(tool => tool.function.name) ?? []
  if (typeof choice === 'object' && !names.includes(choice.function.name)) {
    throw new WrongRequest(`Tool choice '${choice.function.name}' not found in 'tools' parameter.`, {
      param: 'tool_choice',
      code: 'invalid_value',
    })
  }
  if (names.length === 0 && choice !== 'none') {
    throw new WrongRequest(`'tool_choice' is only allowed when 'tools' are specified.`, { param: 'tool_choice', code: 'invalid_value' })
  }
  return typeof choice === 'object' ? { name: choice.function.name } : choice
}

function logprobsOf(scored: readonly TokenLogprob[]): ChoiceLogprobs {
  const told = ({ text, logprob, bytes }: Omit<TokenLogprob, 'top'>) => ({ token: text, logprob, bytes })
  return { content: scored.map(({ top, ...token }) => ({ ...told(token), top_logprobs: top.map(told) })), refusal: null }
}

function endOf(finish: Choice['finish']): { finish_reason: ChatFinishReason; stop_reason?: string } {
  const reason =
    finish?.reason === 'tool-calls' ? 'tool_calls' : finish?.reason === 'length' || finish?.reason === 'window' ? 'length' : 'stop'
  return { finish_reason: reason, ...(finish?.stopText !== undefined && { stop_reason: finish.stopText }) }
}
