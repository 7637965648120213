// What a program asks for, as it goes to a model server: everything that the server knows goes through, but for what is not a tenant's to say.
import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import { Type } from 'typebox'
import { Value } from 'typebox/value'

export interface Preparing {
  /** Of the organisation; it stands before everything else. Completions have no turns, and so no system prompt. */
  systemPrompt: string | null
  /** Whose prompts may be found in vLLM's prefix cache. */
  cacheSalt: string
}

const Turn = Type.Object({ role: Type.String(), content: Type.Unknown() })
const Turns = Type.Array(Type.Unknown(), { minItems: 1 })

/**
 * Throws `WrongRequest` for pictures and sounds by their address, which vLLM would fetch from inside the operator's network, and for what a
 * server would have to keep between requests of all its tenants.
 */
export function prepareRequest(path: string, asked: object, { systemPrompt, cacheSalt }: Preparing): Record<string, unknown> {
  const body: Record<string, unknown> = { ...asked, cache_salt: cacheSalt }
  // vLLM's own: who is computed first, whose cache is read, and by what name a request is cancelled.
  for (const name of ['priority', 'kv_transfer_params', 'ec_transfer_params', 'request_id']) delete body[name]
  for (const name of ['background', 'previous_response_id']) {
    if (body[name])
      throw new WrongRequest(`Nothing is kept here, so '${name}' can't be used.`, { param: name, code: 'unsupported_parameter' })
  }
  for (const turns of [body['messages'], body['input']]) if (Array.isArray(turns)) refuseAddresses(turns)
  if (!systemPrompt) return body
  if (path === '/v1/chat/completions' && Value.Check(Turns, body['messages'])) body['messages'] = after(systemPrompt, body['messages'])
  if (path === '/v1/responses') {
    const { instructions } = body
    body['instructions'] = typeof instructions === 'string' && instructions !== '' ? `${systemPrompt}\n\n${instructions}` : systemPrompt
  }
  return body
}

/** As the beginning of the one system prompt: templates of many models take just one. */
function after(systemPrompt: string, messages: unknown[]): unknown[] {
  const [first, ...rest] = messages
  if (Value.Check(Turn, first) && (first.role === 'system' || first.role === 'developer')) {
    const { content } = first
    if (typeof content === 'string') return [{ ...first, content: `${systemPrompt}\n\n${content}` }, ...rest]
    if (Array.isArray(content)) return [{ ...first, content: [{ type: 'text', text: `${systemPrompt}\n\n` }, ...content] }, ...rest]
  }
  return [{ role: 'system', content: systemPrompt }, ...messages]
}

function refuseAddresses(turns: readonly unknown[]): void {
  for (const turn of turns) {
    const content = isRecord(turn) ? turn['content'] : undefined
    for (const part of Array.isArray(content) ? content : []) {
      for (const [name, value] of Object.entries(isRecord(part) ? part : {})) {
        const address = name.endsWith('_url') ? (isRecord(value) ? value['url'] : value) : undefined
        if (address === undefined || (typeof address === 'string' && /^data:/i.test(address))) continue
        throw new WrongRequest('Pictures and sounds are sent within the request, as data: addresses.', {
          param: name,
          code: 'invalid_value',
        })
      }
    }
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
