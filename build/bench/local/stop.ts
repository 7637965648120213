import { untilStill } from '../computing.ts'
import { newQuestion } from '../questions.ts'
import { judge, type Row } from '../report.ts'
import { figures, interleave } from '../rounds.ts'
import type { RunningSetting } from './setting.ts'

/** Stop while a long prompt is prefilled. */
export async function stop({ fusion, modelId, quick }: RunningSetting): Promise<Row[]> {
  let round = 0
  async function stopOne(): Promise<{ closedMs: number; computedMs: number }> {
    const chat = await fusion.openChat({ modelId, maxTokens: 16 })
    const prefilling = chat.until(event => event.type === 'turn-changed' && event.turn.at === 'prefilling')
    const answer = chat.ask(newQuestion(2000))
    await prefilling
    // Within the first batches, at another place each round.
    await new Promise(resolve => setTimeout(resolve, 400 + 500 * (round++ % 4)))
    const pressedAt = performance.now()
    const closedMs = await chat.stop()
    await answer
    const computedMs = (await untilStill(fusion.pid)) - pressedAt
    chat.close()
    return { closedMs, computedMs }
  }
  const results = await interleave(quick ? 1 : 4, stopOne, undefined)
  return [
    judge(
      'Stop during a prefill: answer closed, page ready',
      'ms',
      figures(results, ({ closedMs }) => closedMs),
      { of: 'ours', sense: 'at most', value: 250 },
    ),
    judge(
      'Stop during a prefill: computing ends, with the batch of 512 tokens under way',
      'ms',
      figures(results, ({ computedMs }) => computedMs),
      null,
    ),
  ]
}
