// Why a model was chosen, passed over or refused: as data, and in words.
import { Type, type Static } from 'typebox'

const Model = Type.String()
const Tokens = Type.Integer({ minimum: 0 })
const Money = Type.Number({ minimum: 0 })
const Name = { model: Model }
/** `model` stands before `than` for this reason, all that weighs more being equal. */
const Before = { model: Model, than: Model }
const code = <Code extends string>(name: Code) => ({ code: Type.Literal(name) })

/** Why a model cannot answer this request. */
export const Exclusion = Type.Union([
  Type.Object({ ...code('not-allowed'), ...Name }),
  /** Prices of a million tokens. */
  Type.Object({ ...code('too-dear'), ...Name, price: Money, dearest: Money }),
  Type.Object({ ...code('window-too-small'), ...Name, neededTokens: Tokens, windowTokens: Tokens }),
  Type.Object({ ...code('down'), ...Name }),
])
export type Exclusion = Static<typeof Exclusion>

/** Why one stands before another. */
export const Comparison = Type.Union([
  Type.Object({ ...code('more-room'), ...Before }),
  /** `difficulty`: 0 to 1. */
  Type.Object({ ...code('suits-better'), ...Before, difficulty: Type.Number({ minimum: 0, maximum: 1 }) }),
  Type.Object({ ...code('higher-quality'), ...Before }),
  Type.Object({ ...code('preferred'), ...Before }),
  Type.Object({ ...code('awake'), ...Before }),
  /** Requests that wait, for each of its servers. */
  Type.Object({ ...code('less-waiting'), ...Before, waiting: Type.Number(), waitingThan: Type.Number() }),
  /** What this request is thought to cost. */
  Type.Object({ ...code('cheaper'), ...Before, cost: Money, costThan: Money }),
  Type.Object({ ...code('faster'), ...Before, seconds: Type.Number(), secondsThan: Type.Number() }),
  Type.Object({ ...code('by-name'), ...Before }),
])
export type Comparison = Static<typeof Comparison>

/** Why the chosen one was chosen. */
export const Choice = Type.Union([
  Comparison,
  /** No other can answer it. */
  Type.Object({ ...code('only-one'), ...Name }),
  /** By a guess of its length it fits none; this one has the largest window, and counts it. */
  Type.Object({ ...code('largest-window'), ...Name, windowTokens: Tokens }),
])
export type Choice = Static<typeof Choice>

/** Why none was. */
export const Refusal = Type.Union([
  Type.Object({ ...code('no-models') }),
  Type.Object({ ...code('none-allowed') }),
  Type.Object({ ...code('all-too-dear'), dearest: Money }),
  /** `windowTokens`: of the largest, which `model` has. */
  Type.Object({ ...code('none-fits'), ...Name, neededTokens: Tokens, windowTokens: Tokens }),
  Type.Object({ ...code('all-down') }),
])
export type Refusal = Static<typeof Refusal>

export type RoutingReason = Exclusion | Choice | Refusal

/** `{name}` in the words is filled from the reason. */
const words: Record<RoutingReason['code'], string> = {
  'not-allowed': 'Your organisation does not allow {model}.',
  'too-dear': '{model} costs {price} for a million tokens; your organisation allows {dearest}.',
  'window-too-small': 'This needs {neededTokens} tokens; the window of {model} holds {windowTokens}.',
  down: 'No server of {model} answers at the moment.',

  'more-room': '{model} has more room for an answer than {than}.',
  'suits-better': '{model} suits a question as demanding as this one better than {than}.',
  'higher-quality': '{model} is a better model than {than}.',
  preferred: 'Your organisation prefers {model} to {than}.',
  awake: '{model} is ready, while {than} would have to be woken.',
  'less-waiting': 'Fewer requests wait for {model} than for {than}.',
  cheaper: '{model} suits this as well as {than}, and costs less.',
  faster: '{model} is thought to answer sooner than {than}.',
  'by-name': '{model} and {than} are alike in all that counts, so the first by name was taken.',
  'only-one': '{model} is the only model that can answer this now.',
  'largest-window': 'This is very long; {model} has the largest window.',

  'no-models': 'There is no model to choose from.',
  'none-allowed': 'Your organisation allows none of the models that there are.',
  'all-too-dear': 'Every model costs more than your organisation allows, which is {dearest} for a million tokens.',
  'none-fits': 'This needs {neededTokens} tokens; {model} has the largest window, which holds {windowTokens}.',
  'all-down': 'No server of a model that could answer this answers at the moment.',
}

/** A reason in one sentence, for people. */
export function reasonSentence(reason: RoutingReason): string {
  const values = new Map<string, unknown>(Object.entries(reason))
  return words[reason.code].replace(/\{(\w+)\}/g, (_, name: string) => String(values.get(name)))
}
