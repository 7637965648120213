// The words of a program's request, in whichever of OpenAI's forms, for whoever has to judge it before a model has read it.
import { WrongRequest } from '@fusion/shared/openai/failure.ts'

export interface AskedText {
  /** All that the model reads. */
  whole: string
  /** The last of it that a person said. */
  question: string
  /** Parts that are no text: pictures, and sounds, which count as such. */
  pictures: number
}

/**
 * Throws `WrongRequest` for a prompt in tokens, which mean something to one model alone; with `tokens` they are taken for a word each.
 */
export function askedText(body: object, { tokens = false } = {}): AskedText {
  const { messages, prompt, input, instructions, ...rest } = body as Record<string, unknown>
  const asked = messages ?? input ?? prompt
  const turns = turnsOf(asked, tokens)
  const question = turns.findLast(({ role }) => role === 'user')?.text ?? ''
  const before = typeof instructions === 'string' ? [instructions] : []
  const beside = BESIDE.flatMap(name => (rest[name] === undefined || rest[name] === null ? [] : [JSON.stringify(rest[name])]))
  return { whole: [...before, ...beside, ...turns.map(({ text, more }) => text + more)].join('\n'), question, pictures: picturesIn(asked) }
}

/** What else templates write into a prompt. */
const BESIDE = ['tools', 'functions', 'documents', 'chat_template', 'chat_template_kwargs']

interface Turn {
  role: string
  text: string
  /** Calls of tools, and whatever else of it is read. */
  more: string
}

function turnsOf(asked: unknown, tokens: boolean): Turn[] {
  if (typeof asked === 'string') return [{ role: 'user', text: asked, more: '' }]
  return (Array.isArray(asked) ? asked : []).map((turn: unknown) => {
    if (typeof turn === 'string') return { role: 'user', text: turn, more: '' }
    const isTokens = typeof turn === 'number' || Array.isArray(turn)
    if (isTokens && tokens) return { role: 'user', text: Array.isArray(turn) ? turn.join(' ') : String(turn), more: '' }
    if (isTokens)
      throw new WrongRequest("'auto' chooses no model for a prompt in tokens: name the model that they are of.", { param: 'model' })
    const { role, content, ...more } = (turn ?? {}) as Record<string, unknown>
    const isMore = Object.keys(more).length > 0
    return { role: typeof role === 'string' ? role : '', text: textOf(content), more: isMore ? JSON.stringify(more) : '' }
  })
}

/** Whatever is not known to be words may be a picture: vLLM knows several names of parts, and some have none. */
const wordParts = new Set<unknown>(['text', 'input_text', 'output_text', 'refusal', 'thinking'])

function picturesIn(asked: unknown): number {
  let count = 0
  for (const turn of Array.isArray(asked) ? asked : []) {
    const parts: unknown = (turn as { content?: unknown } | null)?.content
    for (const part of Array.isArray(parts) ? parts : []) {
      const { type, text } = (part ?? {}) as { type?: unknown; text?: unknown }
      if (typeof part !== 'string' && !wordParts.has(type) && (type !== undefined || typeof text !== 'string')) count += 1
    }
  }
  return count
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
