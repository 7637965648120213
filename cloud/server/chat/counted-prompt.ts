// What a model reads before it answers, counted by its own tokenizer.
import type { PlannedPrompt } from '@fusion/shared/contract/cloud/chat.ts'
import type { LeftOut } from '@fusion/shared/chat/message.ts'
import type { ModelServer, ServerMessage } from '../inference/model-server.ts'

export interface CountedPrompt {
  messages: ServerMessage[]
  /** The last message is the beginning of the answer. */
  continued: boolean
  tokens: number
  /** Of the model, in tokens. */
  window: number
  /** What the cloud's own plan did not take in. */
  leftOut: LeftOut
}

/** Made for the server that is to answer. Throws what asking it throws, and what reading a history throws. */
export type MakePrompt = (server: ModelServer, signal: AbortSignal) => Promise<CountedPrompt>

/** What a device has planned: nothing is added to it, and nothing taken out. `systemPrompt`: of the organisation. */
export function plannedPrompt({
  model,
  prompt,
  systemPrompt,
  onCount = () => {},
}: {
  model: string
  prompt: PlannedPrompt
  systemPrompt: string | null
  onCount?: (tokens: number) => void
}): MakePrompt {
  return async (server, signal) => {
    const messages = messagesOf(prompt, systemPrompt)
    const continued = prompt.answerStart !== undefined && prompt.answerStart !== ''
    const counted = await server.countTokens({ model, messages, continued }, signal)
    onCount(counted.tokens)
    return { messages, continued, ...counted, leftOut: { messages: 0, tokens: 0 } }
  }
}

/** The organisation's own words come first, as the beginning of the one system prompt: templates of many models take just one. */
export function messagesOf({ messages: planned, answerStart }: PlannedPrompt, systemPrompt: string | null): ServerMessage[] {
  const messages: ServerMessage[] = planned.map(({ role, text }) => ({ role, content: text }))
  if (systemPrompt) {
    const [first] = messages
    if (first?.role === 'system') first.content = `${systemPrompt}\n\n${first.content}`
    else messages.unshift({ role: 'system', content: systemPrompt })
  }
  if (answerStart) messages.push({ role: 'assistant', content: answerStart })
  return messages
}
