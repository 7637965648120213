import { failure } from '@fusion/shared/contract/failures.ts'
import type { Prompt, RawPrompt } from '@fusion/shared/contract/inference.ts'
import { formFailure } from './forms.ts'
import { checkSize } from './grammar/schema.ts'
import type { PromptPart, PromptWriter } from './prompt.ts'
import { tokenizeInSlices } from './tokenize-in-slices.ts'

export interface Tokenizer {
  /** `parseSpecial`: control tokens written in the text are read as such. `afterText`: it goes on from other text, so no word mark is put before it. */
  tokenize(text: string, options: { parseSpecial: boolean; afterText: boolean }): number[]
  /** Whether `afterText` makes a difference. */
  marksWords: boolean
  /** True for a token after which a text begins anew. */
  isControl(token: number): boolean
  /** Put before every prompt, where the model wants it and the template did not write it. */
  begin: number | undefined
  /** What a prompt without any token is computed from: something must be. */
  empty: number
  /** How many tokens there are: from 0 on. */
  size: number
  /** Of the model, for those who read of a failure. */
  name: string
}

export interface PromptTokens {
  tokens: number[]
  /** Tokens of each message, with what the template writes around it. */
  each: number[]
  /** Where the answer begins in `tokens`, and the text it goes on from. */
  answerAt: number
  answerStart: string
  /** What the template wrote last, before the answer: it may have opened the reasoning. */
  prefix: string
  stopText: string | undefined
}

export interface PromptTokenizer {
  /** Other work goes on while a long prompt is read; the signal ends it. */
  prompt(prompt: Prompt, signal?: AbortSignal): Promise<PromptTokens>
  /** Refuses with `token-unknown`. */
  raw(prompt: RawPrompt, signal?: AbortSignal): Promise<PromptTokens>
  count(text: string, signal?: AbortSignal): Promise<number>
  /** The tokens that an answer was sampled as: the next prompt uses exactly them, so that its KV state fits to the end. */
  remember(text: string, tokens: readonly number[]): void
}

/** In UTF-16 units of cached text, some 50 MB at four units to a token. */
const CACHE_UNITS = 16_000_000

const cost = (key: string) => key.length + 64
const key = (kind: string, text: string) => `${kind}:${text}`

/** Texts of messages and their tokens, the least recently used forgotten first. */
function createCache() {
  const entries = new Map<string, readonly number[]>()
  let units = 0
  return {
    get(key: string): readonly number[] | undefined {
      const found = entries.get(key)
      if (!found) return undefined
      entries.delete(key)
      entries.set(key, found)
      return found
    },
    set(key: string, tokens: readonly number[]): void {
      if (!entries.delete(key)) units += cost(key)
      entries.set(key, tokens)
      for (const oldest of entries.keys()) {
        if (units <= CACHE_UNITS || oldest === key) break
        entries.delete(oldest)
        units -= cost(oldest)
      }
    },
  }
}

/** A million tokens take 30 ms to copy: other work goes on between pieces of them. */
const APPEND_TOKENS = 131_072

async function append(tokens: number[], added: readonly number[]): Promise<void> {
  // Not push(...added): a long message would be more arguments than a call may have.
  for (const [index, token] of added.entries()) {
    if (index > 0 && index % APPEND_TOKENS === 0) await new Promise(setImmediate)
    tokens.push(token)
  }
}

/** What is too large or too deep is not written in any template. */
function checkTools({ tools = [] }: Prompt): void {
  try {
    checkSize(tools)
  } catch (error) {
    throw formFailure(error)
  }
}

/** Prompts as tokens: each part on its own, so that counts add up exactly and a part once read is never read again. */
export function createPromptTokenizer(writer: PromptWriter, tokenizer: Tokenizer): PromptTokenizer {
  const cache = createCache()
  async function tokensOf(part: PromptPart, afterText: boolean, signal: AbortSignal | undefined): Promise<readonly number[]> {
    const kind = `${part.kind === 'template' ? 't' : 'c'}${tokenizer.marksWords && afterText ? '1' : '0'}`
    const name = key(kind, part.text)
    const answered = part.kind === 'content' ? cache.get(key('answer', part.text)) : undefined
    const found = answered ?? cache.get(name)
    if (found) return found
    const parseSpecial = part.kind === 'template'
    const tokenize = (text: string, afterText: boolean) => tokenizer.tokenize(text, { parseSpecial, afterText })
    // A cut could go through a control token; what a template writes is short.
    const tokens = parseSpecial ? tokenize(part.text, afterText) : await tokenizeInSlices(part.text, tokenize, { afterText, signal })
    cache.set(name, tokens)
    return tokens
  }

  async function readRaw(text: string, signal: AbortSignal | undefined): Promise<number[]> {
    const tokenize = (piece: string, afterText: boolean) => tokenizer.tokenize(piece, { parseSpecial: true, afterText })
    const read = await tokenizeInSlices(text, tokenize, { afterText: false, signal })
    const tokens = tokenizer.begin === undefined || read[0] === tokenizer.begin ? [] : [tokenizer.begin]
    await append(tokens, read)
    return tokens
  }

  return {
    async prompt(prompt, signal) {
      checkTools(prompt)
      const { parts, stopText } = await writer.write(prompt)
      const tokens: number[] = []
      const each = prompt.messages.map(() => 0)
      let prefix = ''
      let answerAt: number | undefined
      for (const part of parts) {
        const last = tokens.at(-1)
        const added = await tokensOf(part, last !== undefined && !tokenizer.isControl(last), signal)
        if (last === undefined && tokenizer.begin !== undefined && added[0] !== tokenizer.begin) tokens.push(tokenizer.begin)
        await append(tokens, added)
        if (part.message >= 0) each[part.message]! += added.length
        if (part.kind === 'template') prefix = part.text
        else if (part.message < 0) answerAt = tokens.length - added.length
      }
      return { tokens, each, answerAt: answerAt ?? tokens.length, answerStart: prompt.answerStart ?? '', prefix, stopText }
    },
    async raw({ raw }, signal) {
      const tokens = typeof raw === 'string' ? await readRaw(raw, signal) : raw
      const unknown = tokens.find(token => token >= tokenizer.size)
      if (unknown !== undefined) throw failure('token-unknown', { model: tokenizer.name, token: unknown })
      const prompt = tokens.length > 0 ? tokens : [tokenizer.empty]
      return { tokens: prompt, each: [], answerAt: prompt.length, answerStart: '', prefix: '', stopText: undefined }
    },
    count: async (text, signal) => (text === '' ? 0 : (await tokensOf({ kind: 'content', text, message: 0 }, true, signal)).length),
    remember(text, tokens) {
      if (text !== '') cache.set(key('answer', text), [...tokens])
    },
  }
}
