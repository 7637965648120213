import { tokensPerSecond } from '../answer.ts'
import { newQuestion } from '../questions.ts'
import { judge, type Row } from '../report.ts'
import { figures, interleave } from '../rounds.ts'
import type { ApiSetting } from './setting.ts'

/** Long enough for a hundred tokens whatever is written in it. */
const schema = {
  type: 'object',
  properties: {
    title: { type: 'string', minLength: 60, maxLength: 120 },
    kind: { enum: ['note', 'letter', 'report'] },
    pages: { type: 'integer' },
    keywords: { type: 'array', items: { type: 'string', maxLength: 30 }, minItems: 6, maxItems: 12 },
    done: { type: 'boolean' },
  },
  required: ['title', 'kind', 'pages', 'keywords', 'done'],
  additionalProperties: false,
}

/** Answers held to a JSON schema (reference: free ones). The model's weights are random, so hardly a token of its own choice fits: the worst case. */
export async function structured({ ask, quick }: ApiSetting): Promise<Row[]> {
  const tokens = quick ? 48 : 100
  const free = () => ask(newQuestion(64), tokens)
  const held = () =>
    ask(newQuestion(64), tokens, {
      ignore_eos: false,
      response_format: { type: 'json_schema', json_schema: { name: 'document', schema, strict: true } },
    })
  await held()
  const results = await interleave(quick ? 2 : 6, held, free)
  return [
    judge('Answer by a JSON schema (reference: a free one)', 'tokens/s', figures(results, tokensPerSecond), {
      of: 'ratio',
      sense: 'at least',
      value: 0.9,
    }),
  ]
}
