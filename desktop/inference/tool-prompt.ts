import { isSmall } from './grammar/schema.ts'
import type { Prompt, PromptMessage, Tool, ToolCall } from '@fusion/shared/contract/inference.ts'

/** A tool and a call as chat templates expect them, after Hugging Face's: `arguments` is an object where it is JSON. */
export function templateTool(tool: Tool, value: (value: unknown) => unknown): unknown {
  const parameters = tool.parameters ?? { type: 'object', properties: {} }
  return {
    type: 'function',
    function: { name: value(tool.name), description: value(tool.description ?? ''), parameters: value(parameters) },
  }
}

export function templateCall(call: ToolCall, value: (value: unknown) => unknown): unknown {
  return { id: value(call.id), type: 'function', function: { name: value(call.name), arguments: value(argumentsOf(call)) } }
}

/** The arguments as what they mean; as text where they are no JSON object. */
function argumentsOf({ arguments: text }: ToolCall): unknown {
  try {
    const read: unknown = JSON.parse(text)
    if (typeof read === 'object' && read !== null && !Array.isArray(read) && isSmall(read)) return read
  } catch {
    // A model wrote them.
  }
  return text
}

/**
 * The same prompt for a template that knows no tools: they are described in a system message, calls are text of their messages, and results are
 * what a user says. The form is the one that most models have seen.
 */
export function describeTools({ messages, tools, ...rest }: Prompt): Prompt {
  const written = messages.map(describeMessage)
  if (!tools || tools.length === 0) return { ...rest, messages: written }
  // Last, so that the places of all others stay: system messages are gathered at the beginning.
  return { ...rest, messages: [...written, { role: 'system', text: description(tools) }] }
}

function describeMessage({ role, text, toolCalls }: PromptMessage): PromptMessage {
  if (role === 'tool') return { role: 'user', text: `<tool_response>\n${text}\n</tool_response>` }
  if (!toolCalls || toolCalls.length === 0) return { role, text }
  return { role, text: [...(text === '' ? [] : [text]), ...toolCalls.map(describeCall)].join('\n') }
}

const describeCall = (call: ToolCall) => `<tool_call>\n${JSON.stringify({ name: call.name, arguments: argumentsOf(call) })}\n</tool_call>`

function description(tools: readonly Tool[]): string {
  const each = tools.map(({ name, description, parameters }) => JSON.stringify({ name, description, parameters }))
  return [
    'You can call these tools:',
    ...each,
    'To call one, write this, and nothing after it:',
    '<tool_call>\n{"name": "the name of the tool", "arguments": {its arguments}}\n</tool_call>',
    'What it gives comes in the next message.',
  ].join('\n')
}
