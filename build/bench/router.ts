// The bench `router`: the cloud's choice of a server beside others', on simulated servers and a clock that only counts.
import { type BenchOptions, runParts } from './parts.ts'
import type { Row } from './report.ts'
import { burst } from './router/burst.ts'
import { fewAskMost, newQuestions, published } from './router/ladders.ts'
import { sensitivity } from './router/sensitivity.ts'

/** Runs all of it, or only the parts named in `only`. */
export function router(options: BenchOptions): Promise<Row[]> {
  const seeds = options.quick ? [1] : [1, 2, 3, 4, 5]
  return runParts({ published, newQuestions, fewAskMost, burst, sensitivity }, { quick: options.quick, seeds }, options)
}
