import type { TokenGuess } from '@fusion/shared/chat/token-guess.ts'
import type { PromptMessage } from '@fusion/shared/contract/inference.ts'
import type { Loaded } from '../models/models.ts'

/** Counts as the model that is to read the prompt: exactly, or about. */
export interface TokenCounter {
  modelId: string
  /** Counts that were made under the same key stay right. */
  key: string
  windowTokens: number
  count(messages: PromptMessage[], options: { signal?: AbortSignal | undefined }): Promise<{ each: number[]; frame: number }>
  countText(text: string, options: { signal?: AbortSignal | undefined }): Promise<number>
}

/** By the model's own tokenizer and template. Throws what the inference process throws. */
export function exactCounter({ modelId, client, loaded }: Loaded): TokenCounter {
  const given = ({ signal }: { signal?: AbortSignal | undefined }) => (signal ? { signal } : {})
  return {
    modelId,
    key: modelId,
    windowTokens: loaded.contextTokens,
    count: (messages, options) => client.tokens.count({ messages }, given(options)),
    countText: async (text, options) => (await client.tokens.countText({ text }, given(options))).tokens,
  }
}

/** What a template writes around a message, and around the whole. */
const FRAME = 6

/** For a model of the cloud, whose tokenizer is there. */
export function guessingCounter(
  guess: TokenGuess,
  { modelId, windowTokens }: Pick<TokenCounter, 'modelId' | 'windowTokens'>,
): TokenCounter {
  return {
    modelId,
    key: `${modelId} ${guess.key(modelId)}`,
    windowTokens,
    count: async messages => ({ each: messages.map(({ text }) => FRAME + guess.tokens(modelId, text)), frame: FRAME }),
    countText: async text => guess.tokens(modelId, text),
  }
}
