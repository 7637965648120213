import { firstTokenMs, tokensPerSecond } from '../answer.ts'
import { newQuestion } from '../questions.ts'
import { judge, type Row } from '../report.ts'
import { figures, interleave } from '../rounds.ts'
import { median } from '../statistics.ts'
import type { RunningSetting } from './setting.ts'
import { typeOut } from './type-out.ts'

/** A long draft is typed, its writer reads it over once more, Enter. */
export async function typedDraft({ fusion, modelId, quick }: RunningSetting): Promise<Row[]> {
  async function answerDraft(): Promise<{ firstMs: number; decodeMs: number }> {
    const chat = await fusion.openChat({ modelId, maxTokens: 24 })
    const words = newQuestion(500).split(' ')
    // In eight strokes, faster than the engine can compute: each cancels the work on the one before.
    const strokes = Array.from({ length: 8 }, (_, stroke) => words.slice(0, (words.length * (stroke + 1)) / 8).join(' '))
    await typeOut(chat, strokes, fusion.pid)
    const answer = await chat.ask(words.join(' '))
    chat.close()
    return { firstMs: firstTokenMs(answer), decodeMs: 1000 / tokensPerSecond(answer) }
  }
  const results = await interleave(quick ? 1 : 4, answerDraft, undefined)
  const decodeMs = median(results.map(({ ours }) => ours.decodeMs))
  return [
    judge(
      'Enter to first token, 500-token draft that was typed (goal: 150 ms and one decode)',
      'ms',
      figures(results, ({ firstMs }) => firstMs),
      { of: 'ours', sense: 'at most', value: 150 + decodeMs },
    ),
  ]
}
