// The words of a program's request, in whichever of OpenAI's forms, for whoever has to judge it before a model has read it.
import { WrongRequest } from '@fusion/shared/openai/failure.ts'

export interface AskedText {
  /** All that the model reads. */
  whole: string
  /** The last of it that a person said. */
  question: string
  /** The most that the answer may have; null: nothing was said. */
  completionTokens: number | null
}

/**
 * Throws `WrongRequest` for a prompt in tokens, which mean something to one model alone; with `tokens` they are taken for a word each.
 */
export function askedText(body: object, { tokens = false } = {}): AskedText {
  const { messages, prompt, input, instructions, ...rest } = body as Record<string, unknown>
  const limits = [rest['max_tokens'], rest['max_completion_tokens'], rest['max_output_tokens']]
  const most = limits.find((limit): limit is number => typeof limit === 'number' && Number.isInteger(limit) && limit > 0)
  const turns = turnsOf(messages ?? input ?? prompt, tokens)
  const question = turns.findLast(({ role }) => role === 'user')?.text ?? ''
  const before = typeof instructions === 'string' ? [instructions] : []
  return { whole: [...before, ...turns.map(({ text }) => text)].join('\n'), question, completionTokens: most ?? null }
}

interface Turn {
  role: string
  text: string
}

function turnsOf(asked: unknown, tokens: boolean): Turn[] {
  if (typeof asked === 'string') return [{ role: 'user', text: asked }]
  return (Array.isArray(asked) ? asked : []).map((turn: unknown) => {
    if (typeof turn === 'string') return { role: 'user', text: turn }
    const isTokens = typeof turn === 'number' || Array.isArray(turn)
    if (isTokens && tokens) return { role: 'user', text: Array.isArray(turn) ? turn.join(' ') : String(turn) }
    if (isTokens)
      throw new WrongRequest("'auto' chooses no model for a prompt in tokens: name the model that they are of.", { param: 'model' })
    const { role, content } = (turn ?? {}) as Record<string, unknown>
    return { role: typeof role === 'string' ? role : '', text: textOf(content) }
  })
}

/** Of parts, those of text: pictures and sounds are not judged. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  const parts: unknown[] = Array.isArray(content) ? content : []
  return parts
    .map(part => (part as { text?: unknown } | null)?.text)
    .filter(text => typeof text === 'string')
    .join('\n')
}
