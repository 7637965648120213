import { randomBytes } from 'node:crypto'
import type { GenerateEvent, GenerateRequest, Prompt } from '@fusion/shared/contract/inference.ts'
import type { Guide } from './grammar/guide.ts'
import { formRule, keyOf } from './forms.ts'
import { choice, type Rule, text } from './grammar/rule.ts'
import type { LoadedLlama } from './llama.ts'
import { callGrammar } from './tool-grammar.ts'
import { createToolReader, type ToolPiece, type ToolReader } from './tool-reader.ts'

/** Tools that are offered in a prompt; undefined where none is, or none may be called. */
export interface Calls {
  reader: ToolReader
  /** Where something has to be called: what the answer is held to. */
  guide: Guide | undefined
  /** Whether the answer has made all the calls that it may. */
  enough(): boolean
  /** As an event; undefined for what is no event, such as the call after the last one. */
  event(piece: ToolPiece, tokens: number): Extract<GenerateEvent, { type: 'tool-call-started' | 'tool-call-delta' }> | undefined
}

/** The prompt as the model sees it: tools that may not be called are not offered. */
export function offered(prompt: Prompt, { toolChoice = 'auto' }: GenerateRequest): Prompt {
  if (toolChoice !== 'none' || !prompt.tools) return prompt
  const { tools: _, ...rest } = prompt
  return rest
}

function markRule(llama: LoadedLlama, written: string): Rule {
  const id = llama.markToken(written)
  return id === undefined ? text(written) : { kind: 'token', id }
}

export async function createCalls(llama: LoadedLlama, prompt: Prompt, request: GenerateRequest): Promise<Calls | undefined> {
  const { tools = [] } = prompt
  if (tools.length === 0) return undefined
  const { toolChoice = 'auto', parallelToolCalls: parallel = true } = request
  const form = llama.callForm
  const rule = () =>
    callGrammar({
      form,
      tools,
      toolChoice: typeof toolChoice === 'object' ? toolChoice : 'required',
      parallel,
      mark: text => markRule(llama, text),
    })
  const beside = toolChoice === 'auto' ? request.form : undefined
  const free = toolChoice === 'none' || (toolChoice === 'auto' && !beside)
  // An answer of a form may be a call instead.
  const make = () => (beside ? choice(formRule(beside), rule()) : rule())
  const guide = free ? undefined : await llama.forms.guideBy(keyOf(['calls', form, tools, toolChoice, parallel, beside]), make)
  const reader = createToolReader(tools.map(({ name }) => name))
  const most = parallel ? Infinity : 1
  return {
    reader,
    guide,
    enough: () => reader.calls > most || (reader.calls === most && !reader.calling),
    event(piece, tokens) {
      if (piece.type === 'text' || piece.index >= most) return undefined
      const { index } = piece
      return piece.type === 'call-started'
        ? { type: 'tool-call-started', index, id: `call_${randomBytes(12).toString('hex')}`, name: piece.name }
        : { type: 'tool-call-delta', index, arguments: piece.arguments, tokens }
    },
  }
}
