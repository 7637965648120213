import type { ModelArrival } from '@fusion/shared/contract/model.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'

/** Files on their way to becoming models, as the page shows them. */
export interface Arrivals {
  all(): ModelArrival[]
  begin(arrival: Pick<ModelArrival, 'id' | 'name' | 'at'>): void
  progress(id: string, at: 'copying' | 'checking', fraction: number): void
  /** Stays until it is dismissed, with its reason. */
  refuse(id: string, error: unknown): void
  end(id: string): void
}

export function createArrivals(onChange: () => void): Arrivals {
  const arrivals = new Map<string, ModelArrival>()

  function change(id: string, next: Partial<ModelArrival>): void {
    const before = arrivals.get(id)
    if (!before) return
    arrivals.set(id, { ...before, ...next })
    onChange()
  }

  return {
    all: () => [...arrivals.values()],
    begin(arrival) {
      arrivals.set(arrival.id, { ...arrival, fraction: 0, failure: null })
      onChange()
    },
    progress(id, at, fraction) {
      const before = arrivals.get(id)
      // Whole percents: more is not seen.
      if (before?.at === at && Math.floor(before.fraction * 100) === Math.floor(fraction * 100)) return
      change(id, { at, fraction })
    },
    refuse: (id, error) => change(id, { at: 'refused', failure: Failure.toBody(error) }),
    end(id) {
      if (arrivals.delete(id)) onChange()
    },
  }
}
