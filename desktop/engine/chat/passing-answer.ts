import { planContext } from '@fusion/shared/chat/plan-context.ts'
import type { PassingEvent, PassingQuestion, PassingTurn } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Settings } from '@fusion/shared/contract/settings.ts'
import type { LeftOut } from '@fusion/shared/chat/message.ts'
import { causeOf } from '../models/cause-of.ts'
import type { Loaded, Models } from '../models/models.ts'
import type { ModelChoice } from './model-choice.ts'

export interface PassingAnswerParts {
  models: Models
  choice: ModelChoice
  settings: () => Settings
}

/**
 * An answer that belongs to no chat and is kept nowhere. Throws what loading and generating fail with, `prompt-too-long` where the last
 * question alone does not fit.
 */
export async function* passingAnswer(
  { models, choice, settings }: PassingAnswerParts,
  question: PassingQuestion,
  signal: AbortSignal,
): AsyncGenerator<PassingEvent, void, void> {
  if (question.turns.at(-1)?.role !== 'user') throw failure('bad-input')
  const modelId = await choice.known(question.modelId, signal)
  if (!modelId) throw failure('model-missing')
  const loaded = await models.acquire(modelId, { signal, onProgress: () => {} })
  try {
    const entry = models.state().entries.find(({ id }) => id === modelId)
    const names = { modelId, modelName: entry?.file.name ?? '', quantization: entry?.file.quantization ?? '' }
    const system = (question.system ?? settings().systemPrompt).trim()
    const sampling = { ...settings().sampling, ...question.sampling }
    const fitting = await fit(loaded, { system, turns: question.turns, maxAnswerTokens: sampling.maxTokens, name: names.modelName, signal })
    yield { type: 'answer-begun', ...names, backend: loaded.loaded.backend, leftOut: fitting.leftOut }
    const prompt = { messages: [...spoken(system), ...fitting.turns] }
    // The chats of the page go first: a script that asks in a loop must not hold up a person.
    const events = loaded.client.chat.generate({ chatId: question.threadId, prompt, sampling, priority: 1 }, { signal })
    const usage = { promptTokens: 0, cachedTokens: 0 }
    for await (const event of events) {
      if (event.type === 'prompt-ready') Object.assign(usage, { promptTokens: event.promptTokens, cachedTokens: event.cachedTokens })
      if (event.type === 'prefill-progress') yield event
      if (event.type === 'text-delta') yield { type: 'text-delta', part: event.part, text: event.text }
      if (event.type !== 'answer-finished') continue
      const { completionTokens, decodeMs } = event
      // No tools are offered to the model here.
      const reason = event.reason === 'tool-calls' ? 'stop' : event.reason
      const tokensPerSecond = decodeMs > 0 ? (completionTokens / decodeMs) * 1000 : null
      yield { type: 'answer-finished', reason, usage: { ...usage, completionTokens }, tokensPerSecond }
    }
  } catch (error) {
    throw await causeOf(error, loaded)
  } finally {
    loaded.release()
  }
}

const spoken = (system: string) => (system === '' ? [] : [{ role: 'system' as const, text: system }])

/** The turns that the window holds: the oldest are left out first, as in a chat. */
async function fit(
  loaded: Loaded,
  request: { system: string; turns: PassingTurn[]; maxAnswerTokens: number | undefined; name: string; signal: AbortSignal },
): Promise<{ turns: PassingTurn[]; leftOut: LeftOut }> {
  const { system, turns, maxAnswerTokens, name, signal } = request
  const before = spoken(system)
  const { each, frame } = await loaded.client.tokens.count({ messages: [...before, ...turns] }, { signal })
  const windowTokens = loaded.loaded.contextTokens
  const plan = planContext({
    windowTokens,
    frameTokens: frame,
    systemTokens: before.length > 0 ? (each[0] ?? 0) : 0,
    path: turns.map(({ role }, index) => ({ role, tokens: each[before.length + index] ?? 0 })),
    answerStartTokens: 0,
    maxAnswerTokens,
    previousCut: 0,
  })
  if (plan.questionTooLong)
    throw failure('prompt-too-long', { tokens: plan.promptTokens, window: windowTokens, model: name || 'the model' })
  return { turns: turns.slice(plan.cut), leftOut: { messages: plan.cut, tokens: plan.leftOutTokens } }
}
