import type { Answer } from '../answer.ts'
import type { RunningSetting } from '../local/setting.ts'

/** What the parts of the bench `api` have. */
export interface ApiSetting extends RunningSetting {
  /** Asks Fusion over HTTP, with exactly `tokens` tokens of answer unless `more` says otherwise. */
  ask(question: string, tokens: number, more?: object): Promise<Answer>
}
