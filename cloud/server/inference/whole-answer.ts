import type { ChatChunk } from './server-chunk.ts'

/**
 * A completion as one object, from the chunks that it was made in: so one that is not streamed goes on at another server, and is timed, as any other.
 * For requests with one answer of text alone; `withIds`: the tokens are shown.
 */
export async function wholeAnswer(
  answer: AsyncIterable<readonly ChatChunk[]>,
  { isChat, withIds }: { isChat: boolean; withIds: boolean },
): Promise<object> {
  let ground: Record<string, unknown> = {}
  let text = ''
  let reasoning = ''
  let finish: string | null = null
  let usage: unknown = null
  let promptIds: readonly number[] | undefined
  const ids: number[] = []
  for await (const come of answer) {
    for (const chunk of come) {
      const { choices: _, usage: told, prompt_token_ids: __, ...shape } = chunk.raw
      if (Object.keys(ground).length === 0) ground = shape
      text += chunk.text
      reasoning += chunk.reasoning
      finish = chunk.finish ?? finish
      usage = told ?? usage
      promptIds ??= chunk.promptIds
      if (chunk.tokenIds) ids.push(...chunk.tokenIds)
    }
  }
  const message = { role: 'assistant', content: text, refusal: null, ...(reasoning !== '' && { reasoning, reasoning_content: reasoning }) }
  const choice = {
    index: 0,
    ...(isChat ? { message } : { text }),
    logprobs: null,
    finish_reason: finish,
    ...(withIds && { token_ids: ids }),
  }
  const prompt = withIds && promptIds ? { prompt_token_ids: promptIds } : {}
  // A completion has the tokens of its prompt in its choice, a chat beside it, as vLLM tells them.
  return {
    ...ground,
    object: isChat ? 'chat.completion' : 'text_completion',
    choices: [isChat ? choice : { ...choice, ...prompt }],
    ...(isChat && prompt),
    usage,
  }
}
