import type { Prompt, PromptMessage } from '@fusion/shared/contract/inference.ts'
import type { ChatTemplate } from './chat-template.ts'

/** A stretch of a prompt: what the template writes (control tokens are read), or what somebody wrote (they are not). */
export interface PromptPart {
  kind: 'template' | 'content'
  text: string
  /** The message it belongs to; -1: it frames them all. */
  message: number
}

export interface PromptWriter {
  template: 'file' | 'plain'
  write(prompt: Prompt): Promise<{ parts: PromptPart[]; stopText?: string }>
}

/** A turn as the template sees it: messages of one role in a row are one. */
interface Turn {
  role: PromptMessage['role']
  messages: number[]
}

// The template sees these in place of the messages: letters and digits only, so that no filter (trim, escape, tojson) changes them.
const mark = (message: number) => `Qf7Zx${message}xZ7fQ`
const marks = /Qf7Zx(\d+)xZ7fQ/

const between = '\n\n'

/** Messages of one role in a row become one turn, and system messages the first one: most templates refuse anything else. */
function turnsOf(messages: readonly PromptMessage[]): Turn[] {
  const turns: Turn[] = []
  const system: number[] = []
  for (const [index, { role }] of messages.entries()) {
    const last = turns.at(-1)
    if (role === 'system') system.push(index)
    else if (last?.role === role) last.messages.push(index)
    else turns.push({ role, messages: [index] })
  }
  return system.length > 0 ? [{ role: 'system', messages: system }, ...turns] : turns
}

/** For templates that know no system role: its text stands before the first question. */
function systemBeforeQuestion(turns: readonly Turn[]): Turn[] | undefined {
  const [system, first, ...rest] = turns
  if (system?.role !== 'system') return undefined
  if (first?.role === 'user') return [{ role: 'user', messages: [...system.messages, ...first.messages] }, ...rest]
  return [{ role: 'user', messages: system.messages }, ...(first ? [first] : []), ...rest]
}

/** Cuts what a template wrote at the marks. Undefined when a message is missing, twice or out of order: then its words would be lost. */
function cut(text: string, turns: readonly Turn[], messages: readonly PromptMessage[]): PromptPart[] | undefined {
  const order = turns.flatMap(turn => turn.messages)
  const pieces = text.split(marks)
  if (pieces.length !== order.length * 2 + 1) return undefined
  const parts: PromptPart[] = []
  for (const [index, piece] of pieces.entries()) {
    const message = order[index >> 1] ?? -1
    if (index % 2 === 1) {
      if (Number(piece) !== message) return undefined
      parts.push({ kind: 'content', text: messages[message]!.text, message })
      // What stands before the first message frames them all, as does what follows the last one.
    } else if (piece !== '') parts.push({ kind: 'template', text: piece, message: index === 0 ? -1 : message })
  }
  return parts
}

const plainNames = { system: 'System', user: 'User', assistant: 'Assistant', tool: 'Tool' }

function plain({ messages, answerStart }: Prompt): { parts: PromptPart[]; stopText: string } {
  const parts: PromptPart[] = []
  for (const turn of turnsOf(messages)) {
    for (const [index, message] of turn.messages.entries()) {
      // No space after "Assistant:": the answer brings its own.
      const header = turn.role === 'assistant' ? 'Assistant:' : `${plainNames[turn.role]}: `
      parts.push({ kind: 'template', text: index === 0 ? header : between, message })
      parts.push({ kind: 'content', text: messages[message]!.text, message })
    }
    parts.push({ kind: 'template', text: between, message: turn.messages.at(-1)! })
  }
  parts.push({ kind: 'template', text: 'Assistant:', message: -1 })
  if (answerStart !== undefined && answerStart !== '') parts.push({ kind: 'content', text: answerStart, message: -1 })
  return { parts, stopText: `\n${plainNames.user}:` }
}

/**
 * Writes prompts in the chat template of a model file. The template is run on marks in place of the messages, and the messages are put in
 * their place afterwards as plain content: whatever stands in a message can become no control token, and what comes before it stays the
 * same from turn to turn. A prompt that the template refuses is written plainly.
 */
export async function createPromptWriter({
  template,
  values,
}: {
  template: ChatTemplate | undefined
  values: { bos_token: string; eos_token: string }
}): Promise<PromptWriter> {
  async function render(turns: readonly Turn[], messages: readonly PromptMessage[]): Promise<PromptPart[] | undefined> {
    const text = await template?.render({
      ...values,
      messages: turns.map(turn => ({ role: turn.role, content: turn.messages.map(mark).join(between) })),
      add_generation_prompt: true,
    })
    return text === undefined ? undefined : cut(text, turns, messages)
  }

  async function fromFile({ messages, answerStart }: Prompt): Promise<PromptPart[] | undefined> {
    const turns = turnsOf(messages)
    const withoutSystem = systemBeforeQuestion(turns)
    const parts = (await render(turns, messages)) ?? (withoutSystem && (await render(withoutSystem, messages)))
    if (parts && answerStart !== undefined && answerStart !== '') parts.push({ kind: 'content', text: answerStart, message: -1 })
    return parts
  }

  const example: PromptMessage[] = (['user', 'assistant', 'user'] as const).map(role => ({ role, text: 'x' }))
  const usable = (await fromFile({ messages: example.slice(0, 1) })) !== undefined && (await fromFile({ messages: example })) !== undefined
  return {
    template: usable ? 'file' : 'plain',
    async write(prompt) {
      const parts = usable ? await fromFile(prompt) : undefined
      return parts ? { parts } : plain(prompt)
    },
  }
}
