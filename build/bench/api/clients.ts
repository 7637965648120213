import { type Answer, firstTokenMs, tokensPerSecond, totalTokensPerSecond } from '../answer.ts'
import { checkTokens } from '../local/answers.ts'
import { newQuestion } from '../questions.ts'
import { judge, type Row } from '../report.ts'
import { figures, interleave } from '../rounds.ts'
import type { ApiSetting } from './setting.ts'

const PROMPT_TOKENS = 64

/** One, four and eight programs that ask at once. */
export async function clients({ ask, rival, quick }: ApiSetting): Promise<Row[]> {
  const tokens = quick ? 32 : 128
  async function together(count: number, one: (question: string, tokens: number) => Promise<Answer>): Promise<Answer[]> {
    const answers = await Promise.all(Array.from({ length: count }, () => one(newQuestion(PROMPT_TOKENS), tokens)))
    for (const answer of answers) checkTokens(answer, PROMPT_TOKENS, tokens)
    return answers
  }
  const measure = (count: number, rounds: number) =>
    interleave(rounds, () => together(count, ask), rival && (() => together(count, (question, tokens) => rival.ask(question, tokens))))

  await measure(1, 1) // warms both
  const one = await measure(1, quick ? 2 : 8)
  const rows: Row[] = [
    judge(
      '1 client: decode',
      'tokens/s',
      figures(one, ([answer]) => tokensPerSecond(answer!)),
      { of: 'ratio', sense: 'at least', value: 0.95 },
    ),
    judge(
      '1 client: first token, 64-token prompt',
      'ms',
      figures(one, ([answer]) => firstTokenMs(answer!)),
      {
        of: 'difference',
        sense: 'at most',
        value: 15,
      },
    ),
  ]
  for (const count of [4, 8]) {
    const several = await measure(count, quick ? 1 : 4)
    rows.push(
      judge(`${count} clients: tokens of all`, 'tokens/s', figures(several, totalTokensPerSecond), {
        of: 'ratio',
        sense: 'at least',
        value: 0.95,
      }),
    )
  }
  return rows
}
