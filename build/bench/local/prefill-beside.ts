import { firstTokenMs, pauses, tokensPerSecond } from '../answer.ts'
import type { Chat } from '../fusion.ts'
import { newQuestion } from '../questions.ts'
import { undisturbed } from '../quiet.ts'
import { type Goal, judge, type Pair, type Row } from '../report.ts'
import { median } from '../statistics.ts'
import type { RunningSetting } from './setting.ts'

/** One chat is answering when another one begins to prefill a long prompt: neither may starve the other. */
export async function prefillBeside({ fusion, modelId, quick }: RunningSetting): Promise<Row[]> {
  const promptTokens = quick ? 1000 : 2000
  const askOne = async (prompt: number, tokens: number) => {
    const chat = await fusion.openChat({ modelId, maxTokens: tokens })
    const answer = await chat.ask(newQuestion(prompt))
    chat.close()
    return answer
  }
  const prefillOne = async () => {
    const answer = await askOne(promptTokens, 1)
    return { from: answer.startedAt, to: answer.arrivals[0]!, ms: firstTokenMs(answer) }
  }

  async function one(): Promise<{ typical: Pair; longest: Pair; prefill: Pair }> {
    const alone = await prefillOne()
    // Not the pauses alone: several tokens come in one piece then.
    const tokenMs = 1000 / tokensPerSecond(await askOne(64, quick ? 40 : 80))
    const chat = await fusion.openChat({ modelId, maxTokens: 1000 })
    const answer = chat.ask(newQuestion(64))
    await textPieces(chat, 10)
    const beside = await prefillOne()
    await textPieces(chat, 2)
    await chat.stop()
    const { arrivals } = await answer
    chat.close()
    // From the last piece before the prefill began to the first one after it ended.
    const from = arrivals.findLastIndex(at => at <= beside.from)
    const to = arrivals.findIndex(at => at > beside.to)
    const waits = pauses(arrivals.slice(Math.max(from, 0), to < 0 ? undefined : to + 1))
    return {
      typical: { ours: median(waits), reference: tokenMs },
      longest: { ours: Math.max(...waits), reference: tokenMs },
      prefill: { ours: beside.ms, reference: alone.ms },
    }
  }
  const rounds: Awaited<ReturnType<typeof one>>[] = []
  for (let round = 0; round < (quick ? 1 : 2); round++) rounds.push(await undisturbed(one))
  return [
    judge(
      `Another chat prefills ${promptTokens} tokens: this chat's pauses, median (reference: a token alone)`,
      'ms',
      rounds.map(({ typical }) => typical),
      atMost(10),
    ),
    judge(
      `Another chat prefills ${promptTokens} tokens: this chat's pauses, longest (reference: a token alone)`,
      'ms',
      rounds.map(({ longest }) => longest),
      atMost(12),
    ),
    judge(
      `Prefill of ${promptTokens} tokens beside an answering chat (reference: alone)`,
      'ms',
      rounds.map(({ prefill }) => prefill),
      atMost(1.5),
    ),
  ]
}

const atMost = (value: number): Goal => ({ of: 'ratio', sense: 'at most', value })

/** Waits for so many further pieces of text. */
async function textPieces(chat: Chat, count: number): Promise<void> {
  let left = count
  await chat.until(event => event.type === 'text-delta' && --left <= 0)
}
