import type { Tool, ToolChoice } from '@fusion/shared/contract/inference.ts'
import { jsonSchema } from './grammar/json-schema.ts'
import { choice, empty, repeat, type Rule, sequence, text } from './grammar/rule.ts'
import { isObject } from './grammar/schema.ts'
import { Unusable } from './grammar/unusable.ts'

/** How a model writes calls. */
export type CallForm = 'hermes' | 'llama' | 'mistral' | 'mistral-named'

/** The form that a template speaks of, where it knows tools at all; else the one in which they are described to the model. */
export function callFormOf(template: string | undefined): CallForm {
  if (template === undefined || template.includes('<tool_call>')) return 'hermes'
  if (template.includes('[TOOL_CALLS]')) return template.includes('[ARGS]') ? 'mistral-named' : 'mistral'
  return template.includes('<|python_tag|>') || template.includes('ipython') ? 'llama' : 'hermes'
}

/** One of the calls that are allowed, or several of them; nothing else. `mark` gives a mark as the token that it is, where it is one. */
export function callGrammar({
  form,
  tools,
  toolChoice,
  parallel,
  mark,
}: {
  form: CallForm
  tools: readonly Tool[]
  toolChoice: Exclude<ToolChoice, 'auto' | 'none'>
  parallel: boolean
  mark: (text: string) => Rule
}): Rule {
  const allowed = toolChoice === 'required' ? tools : tools.filter(({ name }) => name === toolChoice.name)
  if (allowed.length === 0) throw new Unusable('#', 'there is no such tool')
  const more = (item: Rule) => (parallel ? repeat(item) : empty)
  const inJson = (key: string) =>
    choice(...allowed.map(tool => sequence(text(`{"name": ${JSON.stringify(tool.name)}, "${key}": `), argumentsOf(tool), text('}'))))
  switch (form) {
    case 'hermes': {
      const call = sequence(mark('<tool_call>'), text('\n'), inJson('arguments'), text('\n'), mark('</tool_call>'))
      return sequence(call, more(sequence(text('\n'), call)))
    }
    case 'llama': {
      const call = inJson('parameters')
      return sequence(call, more(sequence(text('; '), call)))
    }
    case 'mistral': {
      const call = inJson('arguments')
      return sequence(mark('[TOOL_CALLS]'), text('['), call, more(sequence(text(', '), call)), text(']'))
    }
    case 'mistral-named': {
      const named = choice(...allowed.map(tool => sequence(text(tool.name), mark('[ARGS]'), argumentsOf(tool))))
      const call = sequence(mark('[TOOL_CALLS]'), named)
      return sequence(call, more(call))
    }
  }
}

/** Arguments are always an object. */
function argumentsOf({ name, parameters }: Tool): Rule {
  if (parameters === undefined || parameters === true) return jsonSchema({ type: 'object', additionalProperties: false })
  try {
    return jsonSchema(isObject(parameters) && parameters['type'] === undefined ? { ...parameters, type: 'object' } : parameters)
  } catch (error) {
    if (error instanceof Unusable) throw new Unusable(`${error.path} of the tool ${name}`, error.why)
    throw error
  }
}
