import type { Prompt, PromptMessage } from '@fusion/shared/contract/inference.ts'
import type { ChatMessage } from '@fusion/shared/openai/chat-completions.ts'
import { WrongRequest } from '@fusion/shared/openai/failure.ts'

/** The messages of a request as turns of a prompt. Throws for what no model here reads: images, sound, files. */
export function promptOf(messages: readonly ChatMessage[]): PromptMessage[] {
  return messages.map(({ role, content, tool_calls: toolCalls, tool_call_id: toolCallId }, index) => {
    const text = textOf(content, `messages[${index}].content`)
    if (role === 'tool') {
      if (!toolCallId) {
        const param = `messages[${index}].tool_call_id`
        throw new WrongRequest(`Missing required parameter: '${param}'.`, { param, code: 'missing_required_parameter' })
      }
      return { role, text, toolCallId }
    }
    if (role === 'assistant' && toolCalls && toolCalls.length > 0) {
      return { role, text, toolCalls: toolCalls.map(({ id, function: called }) => ({ id, ...called })) }
    }
    return { role: role === 'developer' ? 'system' : role, text }
  })
}

/** How vLLM is told that the last message is the beginning of the answer, to go on from. */
interface Continued {
  add_generation_prompt?: boolean | null | undefined
  continue_final_message?: boolean | null | undefined
}

/** The prompt of messages; where the last is to be gone on from, its text is where the answer starts. */
export function promptWith(
  messages: readonly ChatMessage[],
  { add_generation_prompt: adds, continue_final_message: continues }: Continued,
): Prompt {
  const prompt = promptOf(messages)
  const last = prompt.at(-1)
  if (!continues) return { messages: prompt }
  if (adds) {
    throw new WrongRequest("'continue_final_message' needs 'add_generation_prompt' to be false.", {
      param: 'add_generation_prompt',
      code: 'invalid_value',
    })
  }
  if (last?.role !== 'assistant' || last.toolCalls) {
    throw new WrongRequest("'continue_final_message' needs a last message of the assistant, without calls.", {
      param: 'continue_final_message',
      code: 'invalid_value',
    })
  }
  return { messages: prompt.slice(0, -1), answerStart: last.text }
}

const refusedParts: Record<string, string> = {
  image_url: 'images',
  input_image: 'images',
  input_audio: 'sound',
  file: 'files',
  input_file: 'files',
}

/** The text of a content, which is a text or a list of parts. */
export function textOf(content: string | readonly { type: string; text?: string }[] | null | undefined, param: string): string {
  if (content === null || content === undefined) return ''
  if (typeof content === 'string') return content
  return content
    .map(({ type, text }, index) => {
      if (text !== undefined && !(type in refusedParts)) return text
      const what = refusedParts[type] ?? `parts of type '${type}'`
      throw new WrongRequest(`Models of this computer read text only; ${what} are not supported.`, {
        param: `${param}[${index}]`,
        code: 'unsupported_content',
      })
    })
    .join('')
}
