import type { GenerateEvent, TokenLogprob, ToolCall } from '@fusion/shared/contract/inference.ts'
import type { Usage } from '@fusion/shared/openai/chat-completions.ts'
import type { Generation, Generations } from './generations.ts'

/** One of the answers to a request, as far as it has come. */
export interface Choice {
  text: string
  reasoning: string
  toolCalls: ToolCall[]
  logprobs: TokenLogprob[]
  tokenIds: number[]
  promptTokenIds: number[] | undefined
  promptTokens: number
  cachedTokens: number
  completionTokens: number
  reasoningTokens: number
  /** undefined until it is at its end. */
  finish: Extract<GenerateEvent, { type: 'answer-finished' }> | undefined
}

function take(choice: Choice, event: GenerateEvent): void {
  switch (event.type) {
    case 'prompt-ready':
      choice.promptTokens = event.promptTokens
      choice.cachedTokens = event.cachedTokens
      choice.promptTokenIds = event.tokenIds
      break
    case 'text-delta':
      if (event.part === 'text') choice.text += event.text
      else {
        choice.reasoning += event.text
        choice.reasoningTokens += event.tokens
      }
      choice.completionTokens += event.tokens
      for (const logprob of event.logprobs ?? []) choice.logprobs.push(logprob)
      for (const token of event.tokenIds ?? []) choice.tokenIds.push(token)
      break
    case 'tool-call-started':
      choice.toolCalls[event.index] = { id: event.id, name: event.name, arguments: '' }
      break
    case 'tool-call-delta':
      choice.toolCalls[event.index]!.arguments += event.arguments
      choice.completionTokens += event.tokens
      break
    case 'answer-finished':
      choice.finish = event
      // Of tokens that became no text, such as a tool call's marks, this knows.
      choice.completionTokens = event.completionTokens
      break
    case 'prefill-progress':
      break
  }
}

/** Runs several generations side by side and tells what each says, in its order. When one fails, the others end, and its failure is thrown. */
export async function runChoices(
  generations: Generations,
  wanted: readonly Generation[],
  onEvent: (index: number, event: GenerateEvent) => Promise<void> | void = () => {},
): Promise<Choice[]> {
  const stop = new AbortController()
  async function runOne(generation: Generation, index: number): Promise<Choice> {
    const choice: Choice = {
      text: '',
      reasoning: '',
      toolCalls: [],
      logprobs: [],
      tokenIds: [],
      promptTokenIds: undefined,
      promptTokens: 0,
      cachedTokens: 0,
      completionTokens: 0,
      reasoningTokens: 0,
      finish: undefined,
    }
    const signal = AbortSignal.any([generation.signal, stop.signal])
    try {
      for await (const event of generations.run({ ...generation, signal })) {
        take(choice, event)
        await onEvent(index, event)
      }
    } catch (error) {
      stop.abort(error)
      throw error
    }
    return choice
  }
  const running = wanted.map(runOne)
  try {
    return await Promise.all(running)
  } finally {
    // None is left behind, computing for nobody.
    await Promise.allSettled(running)
  }
}

/** What a request took: a prompt counts once, however many answers were made to it. `perPrompt`: answers to each prompt. */
export function usageOf(choices: readonly Choice[], perPrompt: number): Usage {
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
  const prompts = choices.filter((_, index) => index % perPrompt === 0)
  const promptTokens = sum(prompts.map(choice => choice.promptTokens))
  const completionTokens = sum(choices.map(choice => choice.completionTokens))
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: sum(prompts.map(choice => choice.cachedTokens)) },
    completion_tokens_details: { reasoning_tokens: sum(choices.map(choice => choice.reasoningTokens)) },
  }
}
