import type { EngineShape } from '../../../cloud/testing/mock-engine.ts'
import { fusion } from './fusion-policy.ts'
import type { MakePolicy } from './policy.ts'
import { leastLoaded, llmdPrecise, llmdTokenLoad, productionStack, random, roundRobin } from './rivals.ts'

/** All that are held against each other, by the names that the report gives them. */
export const policies = (shape: EngineShape) =>
  ({
    fusion: fusion(shape),
    random,
    'round robin': roundRobin,
    'least loaded': leastLoaded,
    'production-stack': productionStack(),
    'production-stack, 1 s old': productionStack(1_000),
    'llm-d precise': llmdPrecise(),
    'llm-d precise, 1 s old': llmdPrecise({ lookMs: 1_000, speculative: false }),
    'llm-d token load': llmdTokenLoad,
  }) satisfies Record<string, MakePolicy>

export type PolicyName = keyof ReturnType<typeof policies>

/** Those that know of prefixes: the only ones that come near where there are any. */
export const prefixRivals: PolicyName[] = [
  'production-stack',
  'production-stack, 1 s old',
  'llm-d precise',
  'llm-d precise, 1 s old',
  'llm-d token load',
]
