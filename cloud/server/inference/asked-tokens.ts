// How many tokens a program asks for, in the words of each route. Other words are passed on, and mean nothing there.
import { WrongRequest } from '@fusion/shared/openai/failure.ts'

type Body = Readonly<Record<string, unknown>>

/** Of each route, the first that is there counts. */
const limits: Readonly<Record<string, readonly string[]>> = {
  '/v1/chat/completions': ['max_completion_tokens', 'max_tokens'],
  '/v1/completions': ['max_tokens'],
  '/v1/responses': ['max_output_tokens'],
}
/** Completions without a limit of their own end here, in vLLM as at OpenAI. */
const DEFAULT_COMPLETION_TOKENS = 16

/** The most that one answer may have; undefined: as many as the window holds. */
export function limitOf(path: string, body: Body): number | undefined {
  const told = limits[path]?.map(name => body[name]).find(value => value !== undefined && value !== null)
  if (typeof told === 'number') return told
  return path === '/v1/completions' ? DEFAULT_COMPLETION_TOKENS : undefined
}

/**
 * What is asked for in all: `completionTokens` is the most that one answer may have (null: nobody said), `answers` is how many there are. Throws
 * `WrongRequest` where one of the numbers is none: vLLM reads '100' as 100, and would make more than we reckon with.
 */
export function askedTokens(path: string, body: Body): { completionTokens: number | null; answers: number } {
  for (const name of [...(limits[path] ?? []), 'n', 'best_of']) {
    const value = body[name]
    if (value !== undefined && value !== null && !(Number.isSafeInteger(value) && (value as number) >= 0))
      throw new WrongRequest(`'${name}' has to be a whole number.`, { param: name, code: 'invalid_type' })
  }
  const { prompt } = body
  const prompts = path === '/v1/completions' && Array.isArray(prompt) && prompt.some(one => typeof one !== 'number') ? prompt.length : 1
  const each = Math.max(...['n', 'best_of'].map(name => (body[name] as number | null | undefined) ?? 1), 1)
  return { completionTokens: limitOf(path, body) ?? null, answers: prompts * each }
}
