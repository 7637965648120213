import fc from 'fast-check'
import { expect, test } from 'vitest'
import { planContext } from '@fusion/shared/chat/plan-context.ts'
import { fitPath } from './fit-path.ts'

const WINDOW = 1000
const FRAME = 25

async function fit(
  tokens: readonly number[],
  { previousCut = 0, maxAnswerTokens }: { previousCut?: number; maxAnswerTokens?: number } = {},
) {
  const path = tokens.map((count, index) => ({ role: index % 2 === 0 ? ('user' as const) : ('assistant' as const), tokens: count }))
  let counts = 0
  const fitted = await fitPath({
    roles: path.map(({ role }) => role),
    previousCut,
    maxAnswerTokens,
    count: async cut => {
      counts += 1
      return { tokens: FRAME + path.slice(cut).reduce((sum, { tokens: count }) => sum + count, 0), window: WINDOW }
    },
  })
  const facts = { windowTokens: WINDOW, frameTokens: FRAME, systemTokens: 0, answerStartTokens: 0, path, previousCut, maxAnswerTokens }
  return { fitted, planned: planContext(facts), counts }
}

test('the cloud leaves out what the desktop would, whatever the lengths of messages, the answer before and the limit of the answer', async () => {
  const questions = fc.array(fc.tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 0, max: 400 })), { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(
      questions,
      fc.integer({ min: 1, max: 1200 }),
      fc.nat(60),
      fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined }),
      async (turns, question, cutBefore, maxAnswerTokens) => {
        const tokens = [...turns.flat(), question]
        // An answer's cut begins with a question.
        const previousCut = Math.min(cutBefore * 2, tokens.length - 1)
        const { fitted, planned } = await fit(tokens, { previousCut, ...(maxAnswerTokens !== undefined && { maxAnswerTokens }) })
        expect(fitted).toEqual({
          cut: planned.cut,
          tokens: planned.promptTokens,
          window: WINDOW,
          leftOutTokens: planned.leftOutTokens,
        })
      },
    ),
    { numRuns: 500 },
  )
})

test('a chat that fits is counted once, and one of a thousand turns hardly more than ten times', async () => {
  expect((await fit([10, 10, 10])).counts).toBe(1)
  const { fitted, counts } = await fit(Array.from({ length: 2001 }, () => 20))
  expect(fitted.cut).toBeGreaterThan(1900)
  expect(counts).toBeLessThanOrEqual(13)
})
