import { failure } from '@fusion/shared/contract/failures.ts'
import type { AnswerForm } from '@fusion/shared/contract/inference.ts'
import { createGuide, type Guide } from './grammar/guide.ts'
import { anyValue, someBlanks } from './grammar/json.ts'
import { jsonSchema } from './grammar/json-schema.ts'
import { createMatcher, type Matcher } from './grammar/matcher.ts'
import type { Rule } from './grammar/rule.ts'
import { Unusable } from './grammar/unusable.ts'
import type { Vocabulary } from './grammar/vocabulary.ts'

export interface Forms {
  /** Refuses with `form-unusable`. `begun`: what stands already of the answer. */
  guide(form: AnswerForm, begun: string): Promise<Guide>
  /** For a grammar that was made otherwise; `key` says what from, so that it is made once. */
  guideBy(key: string, make: () => Rule): Promise<Guide>
}

/** Grammars that are kept, with all that was found out about them: programs ask for the same form again and again. */
const MOST_KEPT = 8
/** Places and states of one; some 30 MB. */
const MOST_SIZE = 50_000

export function createForms(vocabulary: () => Promise<Vocabulary>): Forms {
  const kept = new Map<string, Matcher>()

  function matcherOf(key: string, make: () => Rule): Matcher {
    const found = kept.get(key)
    kept.delete(key)
    const matcher = found && found.size < MOST_SIZE ? found : createMatcher(make())
    if (!matcher) throw new Unusable('#', 'no value fits it')
    kept.set(key, matcher)
    const [oldest] = kept.keys()
    if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest)
    return matcher
  }

  async function guideBy(key: string, make: () => Rule, begun = ''): Promise<Guide> {
    const tokens = await vocabulary()
    try {
      const guide = createGuide(matcherOf(key, make), tokens, begun)
      if (!guide) throw new Unusable('#', 'the beginning of the answer does not fit it')
      return guide
    } catch (error) {
      throw formFailure(error)
    }
  }

  return {
    guide: (form, begun) => guideBy(keyOf(form), () => formRule(form), begun),
    guideBy,
  }
}

/** Throws `Unusable`. */
export function formRule(form: AnswerForm): Rule {
  return form.type === 'json-object' ? anyValue(someBlanks).object : jsonSchema(form.schema)
}

/** A schema that is too deep to be written out is too deep to be used, which whoever reads it says. */
export function keyOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return 'too deep'
  }
}

/** The failure for what a grammar cannot do; any other error as it is. */
export function formFailure(error: unknown): unknown {
  return error instanceof Unusable ? failure('form-unusable', { why: `${error.why} (at ${error.path})` }, { cause: error }) : error
}
