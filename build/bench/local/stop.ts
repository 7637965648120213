import { untilStill } from '../computing.ts'
import { newQuestion } from '../questions.ts'
import { judge, type Pair, type Row } from '../report.ts'
import type { RunningSetting } from './setting.ts'

/** Stop while a long prompt is prefilled. */
export async function stop({ fusion, modelId, quick }: RunningSetting): Promise<Row[]> {
  const closed: Pair[] = []
  const computed: Pair[] = []
  for (let round = 0; round < (quick ? 1 : 4); round++) {
    const chat = await fusion.openChat({ modelId, maxTokens: 16 })
    const prefilling = chat.until(event => event.type === 'turn-changed' && event.turn.at === 'prefilling')
    const answer = chat.ask(newQuestion(2000))
    await prefilling
    // Somewhere within the first batch, another place each round.
    await new Promise(resolve => setTimeout(resolve, 400 + 500 * round))
    const pressedAt = performance.now()
    closed.push({ ours: await chat.stop(), reference: null })
    await answer
    computed.push({ ours: (await untilStill(fusion.pid)) - pressedAt, reference: null })
    chat.close()
  }
  return [
    judge('Stop during a prefill: answer closed, page ready', 'ms', closed, { of: 'ours', sense: 'at most', value: 250 }),
    judge('Stop during a prefill: computing ends (with the batch of 512 under way)', 'ms', computed, null),
  ]
}
