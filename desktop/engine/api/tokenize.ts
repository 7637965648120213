import { checkRequest } from '@fusion/shared/openai/check-request.ts'
import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import { type Tokenized, TokenizeRequest } from '@fusion/shared/openai/tokenize.ts'
import type { Models } from '../models/models.ts'
import type { Generations } from './generations.ts'
import { promptWith } from './prompt-of.ts'
import { sendJson } from './respond.ts'
import type { Exchange } from './routes.ts'

/** `POST /tokenize`: loads the model where it is not, since only it can count. */
export async function tokenize(
  generations: Generations,
  models: Models,
  { body: asked, response, headers, signal }: Exchange,
): Promise<void> {
  const body = checkRequest(TokenizeRequest, asked)
  const { modelId } = await generations.model(body.model, signal)
  const loaded = await models.acquire(modelId, { signal, onProgress: () => {} })
  try {
    const count = await countOf()
    sendJson(response, 200, { count, max_model_len: loaded.loaded.contextTokens } satisfies Tokenized, headers)
  } finally {
    loaded.release()
  }

  async function countOf(): Promise<number> {
    if (body.messages) return (await loaded.client.tokens.count(promptWith(body.messages, body), { signal })).total
    if (body.prompt !== undefined) return (await loaded.client.tokens.countText({ text: body.prompt }, { signal })).tokens
    throw new WrongRequest("Missing required parameter: 'messages' or 'prompt'.", { param: 'messages', code: 'missing_required_parameter' })
  }
}
