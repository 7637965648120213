import type { Conversation } from '@fusion/shared/chat/conversation.ts'
import { type Message, textOf } from '@fusion/shared/chat/message.ts'
import { type ContextPlan, type PathTokens, planContext } from '@fusion/shared/chat/plan-context.ts'
import { promptText } from '@fusion/shared/chat/prompt-text.ts'
import type { ContextReport, PathEntry } from '@fusion/shared/contract/engine.ts'
import type { Prompt, PromptMessage } from '@fusion/shared/contract/inference.ts'
import type { Settings } from '@fusion/shared/contract/settings.ts'
import type { Storage } from '../storage/storage.ts'
import type { TokenCounter } from './token-counter.ts'

export interface PlannedPrompt {
  prompt: Prompt
  plan: ContextPlan
  report: ContextReport
}

export interface PromptPlanner {
  /**
   * Plans the prompt for the next answer. The path ends with the question, or, where `draft` is given, with what the draft would follow.
   * Throws what counting throws.
   */
  plan(request: {
    counter: TokenCounter
    conversation: Pick<Conversation, 'id' | 'settings'>
    path: readonly PathEntry[]
    draft?: Pick<Message, 'parts'>
    answerStart?: string
    signal?: AbortSignal
  }): Promise<PlannedPrompt>
}

/** Messages counted with one request to the inference process. */
const BATCH = 32
/** Counts kept over all models and chats: about 200 bytes each, by the key of the counter and the message's id. */
const MAX_COUNTS = 50_000

export function createPromptPlanner({
  storage,
  settings,
}: {
  storage: Pick<Storage, 'messages' | 'attachments'>
  settings: () => Settings
}): PromptPlanner {
  const counts = new Map<string, number>()

  const read = (message: Pick<Message, 'parts'>) => promptText(message, hash => storage.attachments.read(hash))

  function remember(key: string, tokens: number): void {
    if (counts.size >= MAX_COUNTS) counts.clear()
    counts.set(key, tokens)
  }

  /** Tokens of each message of the path. Exact back from the end for twice the window; before that, where nothing is sent any more, by their mean. */
  async function countPath(
    counter: TokenCounter,
    ids: readonly string[],
    options: { signal?: AbortSignal | undefined },
  ): Promise<{ tokens: Map<string, number>; rest: number }> {
    const enough = counter.windowTokens * 2
    const tokens = new Map<string, number>()
    let sum = 0
    let end = ids.length
    while (end > 0 && sum < enough) {
      const batch = ids.slice(Math.max(0, end - BATCH), end)
      const missing = batch.filter(id => !counts.has(`${counter.key} ${id}`))
      const messages = storage.messages.many(missing)
      if (messages.length > 0) {
        const { each } = await counter.count(messages.map(toPromptMessage), options)
        // A growing answer is counted anew the next time.
        messages.forEach((message, index) => {
          const spoken = message.role === 'user' || textOf(message) !== ''
          const count = spoken ? (each[index] ?? 0) : 0
          if (message.status === 'growing') tokens.set(message.id, count)
          else remember(`${counter.key} ${message.id}`, count)
        })
      }
      for (const id of batch) {
        const count = tokens.get(id) ?? counts.get(`${counter.key} ${id}`) ?? 0
        tokens.set(id, count)
        sum += count
      }
      end -= batch.length
    }
    return { tokens, rest: tokens.size > 0 ? Math.round(sum / tokens.size) : 0 }
  }

  const toPromptMessage = (message: Message): PromptMessage => ({
    role: message.role,
    text: message.role === 'user' ? read(message) : textOf(message),
  })

  return {
    async plan({ counter, conversation, path, draft, answerStart, signal }) {
      const options = { signal }
      const ids = path.map(entry => entry.id)
      const { tokens, rest } = await countPath(counter, ids, options)
      const systemPrompt = (conversation.settings.systemPrompt ?? settings().systemPrompt).trim()
      const system: PromptMessage[] = systemPrompt === '' ? [] : [{ role: 'system', text: systemPrompt }]
      const draftMessage: PromptMessage[] = draft ? [{ role: 'user', text: read(draft) }] : []

      const fixed = await counter.count([...system, ...draftMessage], options)
      const systemTokens = system.length > 0 ? (fixed.each[0] ?? 0) : 0
      const answerStartTokens = answerStart ? await counter.countText(answerStart, options) : 0
      const draftTokens = draft ? (fixed.each.at(-1) ?? 0) : 0

      const pathTokens: PathTokens[] = path.map(entry => ({ role: entry.role, tokens: tokens.get(entry.id) ?? rest }))
      if (draft) pathTokens.push({ role: 'user', tokens: draftTokens })
      const lastAnswer = path.findLast(entry => entry.role === 'assistant')
      const previousCut = (lastAnswer && storage.messages.get(lastAnswer.id)?.leftOut?.messages) ?? 0
      const maxAnswerTokens = conversation.settings.sampling.maxTokens ?? settings().sampling.maxTokens
      const { windowTokens } = counter
      const plan = planContext({
        windowTokens,
        frameTokens: fixed.frame,
        systemTokens,
        path: pathTokens,
        answerStartTokens,
        maxAnswerTokens,
        previousCut,
      })

      const kept = storage.messages.many(ids.slice(plan.cut)).map(toPromptMessage)
      const messages = [...system, ...kept, ...draftMessage].filter(message => message.role !== 'assistant' || message.text !== '')
      return {
        prompt: answerStart ? { messages, answerStart } : { messages },
        plan,
        report: {
          modelId: counter.modelId,
          windowTokens,
          systemTokens: systemTokens + fixed.frame,
          historyTokens: draft ? plan.historyTokens : plan.historyTokens + plan.questionTokens,
          draftTokens,
          reservedTokens: plan.reservedTokens,
          leftOut: { messages: plan.cut, tokens: plan.leftOutTokens },
          leftOutUpTo: ids[plan.cut - 1] ?? null,
          draftTooLong: draft !== undefined && plan.questionTooLong,
        },
      }
    },
  }
}
