import { type PartName, partNames, type PartState, type Readiness as State } from '@fusion/shared/contract/cloud/health.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** How to find out about a part: `check` rejects when it can't be used. */
export interface PartCheck {
  embedded: boolean
  check: () => Promise<unknown>
}
export type Readiness = ReturnType<typeof createReadiness>
export type PartChecks = Partial<Record<PartName, PartCheck>>

/** A part that takes longer is as good as gone. */
const PATIENCE_MS = 1_000
/** Without these no request can be answered. Without any other the server goes on, and a balancer that took it away would only make it worse. */
const needed: ReadonlySet<PartName> = new Set(['database'])

/** Asks all parts at once. Whoever asks while that is under way gets the same answer. */
export function createReadiness({ checks, metrics }: { checks: PartChecks; metrics: Pick<Metrics, 'partsUp'> }) {
  let draining = false
  let running: Promise<State> | undefined

  async function ask(): Promise<State> {
    const states = await Promise.all(partNames.map(async name => [name, await stateOf(checks[name])] as const))
    const known = states.filter((entry): entry is [PartName, PartState] => entry[1] !== undefined)
    for (const [part, state] of known) metrics.partsUp.set({ part }, state === 'gone' ? 0 : 1)
    const gone = known.filter(([, state]) => state === 'gone').map(([name]) => name)
    const status = gone.some(name => needed.has(name)) ? 'not-ready' : gone.length > 0 ? 'degraded' : 'ready'
    return { status, parts: Object.fromEntries(known) }
  }

  return {
    /** From now on it says that it is about to end. */
    drain(): void {
      draining = true
    },
    async read(): Promise<State> {
      running ??= ask().finally(() => (running = undefined))
      const readiness = await running
      return draining ? { ...readiness, status: 'draining' } : readiness
    },
  }
}

async function stateOf(part: PartCheck | undefined): Promise<PartState | undefined> {
  if (!part) return undefined
  const { promise: tooLate, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('the part took too long')), PATIENCE_MS)
  try {
    await Promise.race([part.check(), tooLate])
    return part.embedded ? 'embedded' : 'connected'
  } catch {
    return 'gone'
  } finally {
    clearTimeout(timer)
  }
}
