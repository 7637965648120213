import { firstTokenMs, pauses } from '../answer.ts'
import { newQuestion } from '../questions.ts'
import { judge, type Pair, type Row } from '../report.ts'
import { median } from '../statistics.ts'
import { settled } from './reopened-chat.ts'
import type { RunningSetting } from './setting.ts'

/** A long draft is typed, its writer reads it over once more, Enter. */
export async function typedDraft({ fusion, modelId, quick }: RunningSetting): Promise<Row[]> {
  const rounds: Pair[] = []
  const decodes: number[] = []
  for (let round = 0; round < (quick ? 1 : 4); round++) {
    const chat = await fusion.openChat({ modelId, maxTokens: 24 })
    const words = newQuestion(500).split(' ')
    // In eight strokes, as a fast paste-and-type would: each cancels the work on the one before.
    for (let stroke = 1; stroke <= 8; stroke++) await chat.type(words.slice(0, (words.length * stroke) / 8).join(' '))
    await settled(fusion.pid)
    const answer = await chat.ask(words.join(' '))
    decodes.push(median(pauses(answer.arrivals)))
    rounds.push({ ours: firstTokenMs(answer), reference: null })
    chat.close()
  }
  return [
    judge('Enter to first token, 500-token draft that was typed (goal: 150 ms and one decode)', 'ms', rounds, {
      of: 'ours',
      sense: 'at most',
      value: 150 + median(decodes),
    }),
  ]
}
