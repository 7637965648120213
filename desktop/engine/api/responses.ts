import { randomUUID } from 'node:crypto'
import type { AnswerForm, PromptMessage, ToolChoice } from '@fusion/shared/contract/inference.ts'
import { checkRequest } from '@fusion/shared/openai/check-request.ts'
import { asApiError, WrongRequest } from '@fusion/shared/openai/failure.ts'
import { type InputItem, type ResponseBody, ResponseRequest } from '@fusion/shared/openai/responses.ts'
import { type Choice, runChoices, usageOf } from './choices.ts'
import { openEventStream } from './event-stream.ts'
import type { Generation, Generations } from './generations.ts'
import { textOf } from './prompt-of.ts'
import { sendJson } from './respond.ts'
import { createResponseOutput } from './response-output.ts'
import type { Exchange } from './routes.ts'
import { samplingOf, withoutNull } from './sampling.ts'

/** `POST /v1/responses`, without a memory: the whole input comes with each request. */
export async function responses(generations: Generations, exchange: Exchange): Promise<void> {
  const { response, signal, client, headers } = exchange
  refuseMemory(exchange.body)
  const body = checkRequest(ResponseRequest, exchange.body)
  const { modelId, modelName } = await generations.model(body.model, signal)
  const generation: Generation = { modelId, modelName, client, signal, request: requestOf(body) }
  const frame: Omit<ResponseBody, 'status' | 'output' | 'usage'> = {
    id: `resp_${randomUUID().replaceAll('-', '')}`,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    model: modelName,
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: false,
    temperature: body.temperature ?? null,
    text: { format: body.text?.format ?? { type: 'text' } },
    tool_choice: body.tool_choice ?? 'auto',
    tools: body.tools ?? [],
    top_p: body.top_p ?? null,
    truncation: 'disabled',
    metadata: typeof body.metadata === 'object' && body.metadata !== null ? body.metadata : {},
  }

  if (!body.stream) {
    const output = createResponseOutput(async () => {})
    const [choice] = await runChoices(generations, [generation], (_, event) => output.take(event))
    await output.close(isCut(choice!) ? 'incomplete' : 'completed')
    return sendJson(response, 200, finished(choice!, output.items), headers)
  }

  const events = openEventStream(response, signal, headers)
  let number = 0
  const tell = (type: string, fields: object) => events.send({ type, sequence_number: number++, ...fields }, type)
  const output = createResponseOutput(tell)
  const begun = (): ResponseBody => ({ ...frame, status: 'in_progress', output: [], usage: null })
  try {
    const [choice] = await runChoices(generations, [generation], async (_, event) => {
      // The first event: from here on errors can no longer have a status of their own.
      if (event.type === 'prompt-ready') {
        await tell('response.created', { response: begun() })
        await tell('response.in_progress', { response: begun() })
      }
      await output.take(event)
    })
    const cut = isCut(choice!)
    await output.close(cut ? 'incomplete' : 'completed')
    await tell(cut ? 'response.incomplete' : 'response.completed', { response: finished(choice!, output.items) })
    events.end()
  } catch (error) {
    if (!response.headersSent || signal.aborted) {
      events.fail(error)
      throw error
    }
    const { code, message } = asApiError(error).body.error
    const failed: ResponseBody = { ...begun(), status: 'failed', error: { code: code ?? 'server_error', message }, output: output.items }
    await tell('response.failed', { response: failed })
    events.end()
    throw error
  }

  function finished(choice: Choice, items: ResponseBody['output']): ResponseBody {
    const usage = usageOf([choice], 1)
    const cut = isCut(choice)
    return {
      ...frame,
      status: cut ? 'incomplete' : 'completed',
      incomplete_details: cut ? { reason: 'max_output_tokens' } : null,
      output: items,
      usage: {
        input_tokens: usage.prompt_tokens,
        input_tokens_details: usage.prompt_tokens_details,
        output_tokens: usage.completion_tokens,
        output_tokens_details: usage.completion_tokens_details,
        total_tokens: usage.total_tokens,
      },
    }
  }
}

const isCut = ({ finish }: Choice) => finish?.reason === 'length' || finish?.reason === 'window'

/** What would need a memory of earlier responses is refused in words. */
function refuseMemory(body: unknown): void {
  for (const param of ['previous_response_id', 'conversation'] as const) {
    if (typeof body === 'object' && body !== null && (body as Record<string, unknown>)[param]) {
      throw new WrongRequest(`Responses are not kept here, so '${param}' is not supported: send the whole input with each request.`, {
        param,
        code: 'unsupported_parameter',
      })
    }
  }
}

function requestOf(body: ResponseRequest): Generation['request'] {
  const tools = body.tools?.map(({ name, description, parameters }) => ({ name, ...withoutNull({ description, parameters }) }))
  const form = formOf(body.text?.format)
  const toolChoice = toolChoiceOf(body)
  const messages = messagesOf(body.input)
  if (body.instructions) messages.unshift({ role: 'system', text: body.instructions })
  const scored = body.include?.includes('message.output_text.logprobs') || typeof body.top_logprobs === 'number'
  return {
    prompt: { messages, ...(tools && tools.length > 0 && { tools }) },
    sampling: samplingOf(body, body.max_output_tokens),
    ...(form && { form }),
    ...(toolChoice && { toolChoice }),
    ...(typeof body.parallel_tool_calls === 'boolean' && { parallelToolCalls: body.parallel_tool_calls }),
    ...(scored && { logprobs: body.top_logprobs ?? 0 }),
  }
}

function messagesOf(input: ResponseRequest['input']): PromptMessage[] {
  if (typeof input === 'string') return [{ role: 'user', text: input }]
  const messages: PromptMessage[] = []
  for (const [index, item] of input.entries()) {
    const message = messageOf(item, `input[${index}]`)
    const last = messages.at(-1)
    // Calls that stand side by side are one turn of the assistant's.
    if (message?.toolCalls && last?.role === 'assistant') last.toolCalls = [...(last.toolCalls ?? []), ...message.toolCalls]
    else if (message) messages.push(message)
  }
  return messages
}

function messageOf(item: InputItem, param: string): PromptMessage | undefined {
  const missing = (name: string) =>
    new WrongRequest(`Missing required parameter: '${param}.${name}'.`, { param: `${param}.${name}`, code: 'missing_required_parameter' })
  switch (item.type ?? 'message') {
    case 'message':
      if (!item.role) throw missing('role')
      return { role: item.role === 'developer' ? 'system' : item.role, text: textOf(item.content, `${param}.content`) }
    case 'function_call':
      if (!item.call_id) throw missing('call_id')
      if (!item.name) throw missing('name')
      return { role: 'assistant', text: '', toolCalls: [{ id: item.call_id, name: item.name, arguments: item.arguments ?? '' }] }
    case 'function_call_output':
      if (!item.call_id) throw missing('call_id')
      return { role: 'tool', text: textOf(item.output, `${param}.output`), toolCallId: item.call_id }
    // What a model thought is not read again by templates.
    case 'reasoning':
      return undefined
    case 'item_reference':
      throw new WrongRequest(
        `Responses are not kept here, so items cannot be referred to: send them whole ('store': false tells clients to).`,
        {
          param,
          code: 'unsupported_value',
        },
      )
    default:
      throw new WrongRequest(`Items of type '${item.type}' are not supported.`, { param: `${param}.type`, code: 'unsupported_value' })
  }
}

function formOf(format: NonNullable<ResponseRequest['text']>['format']): AnswerForm | undefined {
  switch (format?.type) {
    case 'json_object':
      return { type: 'json-object' }
    case 'json_schema':
      return { type: 'json-schema', schema: format.schema }
    case 'text':
    case undefined:
      return undefined
  }
}

function toolChoiceOf({ tools, tool_choice: choice }: ResponseRequest): ToolChoice | undefined {
  if (choice === null || choice === undefined) return undefined
  if (typeof choice === 'object' && !tools?.some(tool => tool.name === choice.name)) {
    throw new WrongRequest(`Tool choice '${choice.name}' not found in 'tools' parameter.`, { param: 'tool_choice', code: 'invalid_value' })
  }
  if (!tools?.length) return choice === 'required' ? refuseRequired() : undefined
  return typeof choice === 'object' ? { name: choice.name } : choice
}

function refuseRequired(): never {
  throw new WrongRequest(`'tool_choice' is 'required', but there are no 'tools'.`, { param: 'tool_choice', code: 'invalid_value' })
}
