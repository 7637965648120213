import { type Answer, firstTokenMs, tokensPerSecond } from '../answer.ts'
import { newQuestion } from '../questions.ts'
import { type Goal, judge, type Row } from '../report.ts'
import { figures, interleave } from '../rounds.ts'
import type { RunningSetting } from './setting.ts'

const decodeGoal: Goal = { of: 'ratio', sense: 'at least', value: 0.97 }
const firstTokenGoals: Record<number, Goal> = {
  64: { of: 'difference', sense: 'at most', value: 15 },
  512: { of: 'ratio', sense: 'at most', value: 1.05 },
}

/** One chat, one question: how long until the first token, and how fast then. */
export async function answers(setting: RunningSetting): Promise<Row[]> {
  const { fusion, modelId, rival, quick } = setting

  async function ask(promptTokens: number, tokens: number): Promise<Answer> {
    const chat = await fusion.openChat({ modelId, maxTokens: tokens })
    const answer = await chat.ask(newQuestion(promptTokens))
    chat.close()
    checkTokens(answer, promptTokens, tokens)
    return answer
  }
  async function askRival(promptTokens: number, tokens: number): Promise<Answer> {
    const answer = await rival!.ask(newQuestion(promptTokens), tokens)
    checkTokens(answer, promptTokens, tokens)
    return answer
  }
  const measure = (rounds: number, promptTokens: number, tokens: number) =>
    interleave(rounds, () => ask(promptTokens, tokens), rival && (() => askRival(promptTokens, tokens)))

  await measure(1, 64, 16) // warms both
  const rows: Row[] = []
  for (const promptTokens of [64, 512]) {
    const long = await measure(quick ? 1 : 5, promptTokens, quick ? 64 : 200)
    const short = await measure(quick ? 2 : promptTokens === 64 ? 10 : 3, promptTokens, 4)
    rows.push(
      judge(`Decode through the whole turn, ${promptTokens}-token prompt`, 'tokens/s', figures(long, tokensPerSecond), decodeGoal),
      judge(`First token, ${promptTokens}-token prompt`, 'ms', figures([...long, ...short], firstTokenMs), firstTokenGoals[promptTokens]!),
    )
  }
  return rows
}

/** Both sides must have done the same work, or the figures mean nothing. */
export function checkTokens({ promptTokens, completionTokens }: Answer, wantedPrompt: number, wantedAnswer: number): void {
  if (promptTokens !== wantedPrompt || completionTokens !== wantedAnswer)
    throw new Error(`Asked for ${wantedPrompt} + ${wantedAnswer} tokens, but ${promptTokens} + ${completionTokens} were made`)
}
