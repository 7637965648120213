import { failure } from '@fusion/shared/contract/failures.ts'
import type { Caller } from '../caller.ts'
import type { CallerRules, Rules } from './rules.ts'

export type Policies = ReturnType<typeof createPolicies>

/** What organisations allow their people, asked before a model is. */
export function createPolicies({ rules }: { rules: Rules }) {
  return {
    /** Whether this person may ask for a model: as `admit`, for lists. */
    async modelsOf(caller: Caller): Promise<(model: string) => boolean> {
      const { models } = await rules.of(caller)
      return model => models === null || models.includes(model)
    },
    /** What holds for this request. Throws `cloud-model-unknown` for a model that is not allowed. */
    async admit(caller: Caller, model: string): Promise<Pick<CallerRules, 'systemPrompt' | 'maskingRequired'>> {
      const held = await rules.of(caller)
      // As one that this cloud does not have: which others there are is not told.
      if (held.models && !held.models.includes(model)) throw failure('cloud-model-unknown', { model })
      return held
    },
  }
}
