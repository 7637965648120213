// A prompt that the cloud plans from history, for clients without an engine.
import type { PlannedMessage } from '@fusion/shared/contract/cloud/chat.ts'
import type { Database } from '../../database/connection.ts'
import type { Models } from '../inference/models.ts'
import type { Objects } from '../objects/objects.ts'
import { type CountedPrompt, type MakePrompt, messagesOf } from './counted-prompt.ts'
import { fitPath } from './fit-path.ts'
import { readPath } from './read-path.ts'

export interface HistoryPromptParts {
  database: Database
  objects: Objects
  models: Models
}

export interface HistoryQuestion {
  userId: string
  conversationId: string
  questionId: string
  model: string
  /** Of the organisation, which comes first, and of the conversation. */
  systemPrompts: { organisation: string | null; conversation: string | null }
  maxAnswerTokens: number | undefined
}

/** A token of plain text has three to four characters, of indented code hardly more than ten: what is beyond this fits no window. */
const MOST_CHARACTERS_PER_TOKEN = 16

/** The newest turns that the window holds. What it does not hold is told, in messages and tokens. */
export function historyPrompt(parts: HistoryPromptParts, question: HistoryQuestion): MakePrompt {
  const { userId, conversationId, questionId, model, systemPrompts, maxAnswerTokens } = question
  return async (server, signal) => {
    const windowTokens = parts.models.windowOf(model) ?? 0
    const mostCharacters = MOST_CHARACTERS_PER_TOKEN * windowTokens
    const read = await readPath(parts, { userId, conversationId, questionId, mostCharacters })
    // What is sent begins with a question.
    const first = read.older > 0 ? read.messages.findIndex(({ role }) => role === 'user') : 0
    const path = read.messages.slice(first)
    const older = read.older + first
    const own: PlannedMessage[] = systemPrompts.conversation?.trim() ? [{ role: 'system', text: systemPrompts.conversation.trim() }] : []
    const messagesFrom = (cut: number) => messagesOf({ messages: [...own, ...inTurns(path.slice(cut))] }, systemPrompts.organisation)

    const before = path.findLast(({ role }) => role === 'assistant')?.leftOut ?? 0
    const fit = await fitPath({
      roles: path.map(({ role }) => role),
      previousCut: Math.max(0, before - older),
      maxAnswerTokens,
      count: cut => server.countTokens({ model, messages: messagesFrom(cut), continued: false }, signal),
    })
    const { cut, tokens, window, leftOutTokens } = fit
    // What was not even read is told by the mean of what was.
    const mean = (tokens + leftOutTokens) / path.length
    const leftOut = { messages: older + cut, tokens: leftOutTokens + Math.round(older * mean) }
    return { messages: messagesFrom(cut), continued: false, tokens, window, leftOut } satisfies CountedPrompt
  }
}

/** Turn by turn, as templates want them: an answer that broke off before its first word is none, and the questions beside it are one. */
function inTurns(path: readonly { role: 'user' | 'assistant'; text: string }[]): PlannedMessage[] {
  const turns: PlannedMessage[] = []
  for (const { role, text } of path) {
    const last = turns.at(-1)
    if (text === '' && role === 'assistant') continue
    if (last?.role === role) last.text += `\n\n${text}`
    else turns.push({ role, text })
  }
  return turns
}
