import type { Config } from '../config.ts'
import type { Patience } from './token-patience.ts'

/** The longest that one answer may take, as the words of `answer-too-long` say. */
export const LONGEST_ANSWER_MS = 600_000

/** How long model servers are waited for, by the settings. */
export const patienceOf = ({
  firstTokenSeconds,
  nextTokenSeconds,
}: Pick<Config, 'firstTokenSeconds' | 'nextTokenSeconds'>): Patience & { longestAnswerMs: number } => ({
  firstTokenMs: firstTokenSeconds * 1000,
  nextTokenMs: nextTokenSeconds * 1000,
  longestAnswerMs: LONGEST_ANSWER_MS,
})
