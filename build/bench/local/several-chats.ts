import { totalTokensPerSecond } from '../answer.ts'
import { newQuestion } from '../questions.ts'
import { judge, type Row } from '../report.ts'
import { figures, interleave } from '../rounds.ts'
import { checkTokens } from './answers.ts'
import type { RunningSetting } from './setting.ts'

const PROMPT_TOKENS = 64

/** Several chats asked at once: tokens of all of them by the time from the first question to the last token, prefill included. */
export async function severalChats({ fusion, modelId, rival, quick }: RunningSetting): Promise<Row[]> {
  const tokens = quick ? 32 : 100
  const rows: Row[] = []
  for (const count of [4, 8]) {
    async function ask(): Promise<number> {
      const chats = await Promise.all(Array.from({ length: count }, () => fusion.openChat({ modelId, maxTokens: tokens })))
      const answers = await Promise.all(chats.map(chat => chat.ask(newQuestion(PROMPT_TOKENS))))
      for (const chat of chats) chat.close()
      for (const answer of answers) checkTokens(answer, PROMPT_TOKENS, tokens)
      return totalTokensPerSecond(answers)
    }
    async function askRival(): Promise<number> {
      return totalTokensPerSecond(await Promise.all(Array.from({ length: count }, () => rival!.ask(newQuestion(PROMPT_TOKENS), tokens))))
    }
    const results = await interleave(quick ? 1 : 3, ask, rival && askRival)
    rows.push(
      judge(
        `${count} chats at once, in all`,
        'tokens/s',
        figures(results, total => total),
        { of: 'ratio', sense: 'at least', value: 0.95 },
      ),
    )
  }
  return rows
}
