import type { Prompt, PromptMessage } from '@fusion/shared/contract/inference.ts'
import type { ChatTemplate } from './chat-template.ts'
import { createMarks, mark, type Marks } from './marks.ts'
import { describeTools, templateCall, templateTool } from './tool-prompt.ts'

/** A stretch of a prompt: what the template writes (control tokens are read), or what somebody wrote (they are not). */
export interface PromptPart {
  kind: 'template' | 'content'
  text: string
  /** The message it belongs to; -1: it frames them all. */
  message: number
}

export interface PromptWriter {
  template: 'file' | 'plain'
  /** Whether tools are offered as the template wants it; else they are described. */
  knowsTools: boolean
  write(prompt: Prompt): Promise<{ parts: PromptPart[]; stopText?: string }>
}

/** A turn as the template sees it: messages of one role in a row are one. */
interface Turn {
  role: PromptMessage['role']
  messages: number[]
}

const between = '\n\n'

/**
 * Messages of one role in a row become one turn, and system messages the first one: most templates refuse anything else. Calls and results of
 * tools stand on their own.
 */
function turnsOf(messages: readonly PromptMessage[]): Turn[] {
  const turns: Turn[] = []
  const system: number[] = []
  const alone = (index: number) => messages[index]!.role === 'tool' || callsOf(messages[index]!).length > 0
  for (const [index, { role }] of messages.entries()) {
    const last = turns.at(-1)
    if (role === 'system') system.push(index)
    else if (last?.role === role && !alone(index) && !alone(last.messages[0]!)) last.messages.push(index)
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

const callsOf = ({ toolCalls = [] }: PromptMessage) => toolCalls
/** An assistant that only calls says nothing, and templates look whether it does. */
const isSaid = (message: PromptMessage) => message.text !== '' || callsOf(message).length === 0

/**
 * Cuts what a template wrote at the marks. Undefined when a message is missing, twice or out of order: then its words would be lost. Texts of
 * tools may stand anywhere, since templates write them as they like.
 */
function cut(text: string, turns: readonly Turn[], messages: readonly PromptMessage[], marks: Marks): PromptPart[] | undefined {
  const order = turns.flatMap(turn => turn.messages).filter(index => isSaid(messages[index]!))
  const pieces = text.split(mark)
  const parts: PromptPart[] = []
  let found = 0
  const ownerOf = (name: string | undefined) => (name?.startsWith('T') ? marks.texts[Number(name.slice(1))]!.message : Number(name ?? -1))
  for (const [index, piece] of pieces.entries()) {
    if (index % 2 === 0) {
      // What stands before the first message frames them all, as does what follows the last one.
      if (piece !== '') parts.push({ kind: 'template', text: piece, message: index === 0 ? -1 : ownerOf(pieces[index + 1]) })
    } else if (piece.startsWith('T')) {
      const { text, message } = marks.texts[Number(piece.slice(1))]!
      // Inside of a JSON text it is written as JSON.
      const quoted = pieces[index - 1]!.endsWith('"') && pieces[index + 1]!.startsWith('"')
      parts.push({ kind: 'content', text: quoted ? JSON.stringify(text).slice(1, -1) : text, message })
    } else {
      const message = Number(piece)
      if (order[found++] !== message) return undefined
      parts.push({ kind: 'content', text: messages[message]!.text, message })
    }
  }
  return found === order.length ? parts : undefined
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

const usesTools = ({ messages, tools = [] }: Prompt) =>
  tools.length > 0 || messages.some(message => message.role === 'tool' || callsOf(message).length > 0)

/** The calls of a turn, or the call that its result answers. */
function callFields(messages: readonly PromptMessage[], index: number, marks: Marks): Record<string, unknown> {
  const message = messages[index]!
  const value = (given: unknown) => marks.value(given, index)
  const calls = callsOf(message)
  if (calls.length > 0) return { tool_calls: calls.map(call => templateCall(call, value)) }
  if (message.role !== 'tool') return {}
  const answered = messages.flatMap(callsOf).find(({ id }) => id === message.toolCallId)
  return {
    ...(message.toolCallId !== undefined && { tool_call_id: value(message.toolCallId) }),
    ...(answered && { name: value(answered.name) }),
  }
}

/** A template knows tools when it writes what they are for, what they are called with and what they give. */
const toolExampleTexts = ['It tells.', 'of words', 'It is so.']
const toolExample: Prompt = {
  messages: [
    { role: 'user', text: 'x' },
    { role: 'assistant', text: '', toolCalls: [{ id: 'a12345678', name: 'tell', arguments: '{"what":"of words"}' }] },
    { role: 'tool', text: 'It is so.', toolCallId: 'a12345678' },
  ],
  tools: [{ name: 'tell', description: 'It tells.', parameters: { type: 'object', properties: { what: { type: 'string' } } } }],
}

/**
 * Writes prompts in the chat template of a model file. The template is run on marks in place of the messages, and the messages are put in
 * their place afterwards as plain content: whatever stands in a message can become no control token, and what comes before it stays the
 * same from turn to turn. A prompt that the template refuses is written plainly. So it is with what tools are, are called with and give; a
 * template that knows none of it has them described in words.
 */
export async function createPromptWriter({
  template,
  values,
}: {
  template: ChatTemplate | undefined
  values: { bos_token: string; eos_token: string }
}): Promise<PromptWriter> {
  async function render(turns: readonly Turn[], { messages, tools = [] }: Prompt): Promise<PromptPart[] | undefined> {
    const marks = createMarks()
    const written = turns.map(turn => ({
      role: turn.role,
      content: turn.messages
        .filter(index => isSaid(messages[index]!))
        .map(marks.message)
        .join(between),
      ...callFields(messages, turn.messages[0]!, marks),
    }))
    const offered = tools.map(tool => templateTool(tool, value => marks.value(value, -1)))
    const text = await template?.render({
      ...values,
      messages: written,
      ...(tools.length > 0 && { tools: offered }),
      add_generation_prompt: true,
    })
    return text === undefined ? undefined : cut(text, turns, messages, marks)
  }

  async function fromFile(prompt: Prompt): Promise<PromptPart[] | undefined> {
    const { messages, answerStart } = prompt
    const turns = turnsOf(messages)
    const withoutSystem = systemBeforeQuestion(turns)
    const parts = (await render(turns, prompt)) ?? (withoutSystem && (await render(withoutSystem, prompt)))
    if (parts && answerStart !== undefined && answerStart !== '') parts.push({ kind: 'content', text: answerStart, message: -1 })
    return parts
  }

  const example: PromptMessage[] = (['user', 'assistant', 'user'] as const).map(role => ({ role, text: 'x' }))
  const usable = (await fromFile({ messages: example.slice(0, 1) })) !== undefined && (await fromFile({ messages: example })) !== undefined
  const withTools = usable ? await fromFile(toolExample) : undefined
  const knowsTools =
    withTools !== undefined && toolExampleTexts.every(text => withTools.some(part => part.kind === 'content' && part.text === text))

  async function write(prompt: Prompt): Promise<{ parts: PromptPart[]; stopText?: string }> {
    const parts = usable && (knowsTools || !usesTools(prompt)) ? await fromFile(prompt) : undefined
    if (parts) return { parts }
    const described = describeTools(prompt)
    const again = usable && usesTools(prompt) ? await fromFile(described) : undefined
    return again ? { parts: again } : plain(described)
  }

  return {
    template: usable ? 'file' : 'plain',
    knowsTools,
    async write(prompt) {
      const { parts, ...rest } = await write(prompt)
      // A description of tools is no message of the prompt.
      const owned = parts.map(part => (part.message < prompt.messages.length ? part : { ...part, message: -1 }))
      return { parts: owned, ...rest }
    },
  }
}
