import { watchOthers } from './computing.ts'

/** Cores that others may take during a measurement: ggml's threads wait for each other, so one core shared for a moment halves the speed. */
const QUIET_CORES = 0.1

let patienceMs = 0
let disturbed = 0

/** How much time of this run may go into measuring again. */
export function allowRepeats(forMs: number): void {
  patienceMs = forMs
}

/** How many measurements stand although another program was at work meanwhile. */
export const disturbedMeasurements = () => disturbed

/** Measures again, within reason, when another program was at work meanwhile. */
export async function undisturbed<T>(measure: () => Promise<T>): Promise<T> {
  for (;;) {
    const othersCores = watchOthers()
    const startedAt = performance.now()
    const result = await measure()
    if (othersCores() <= QUIET_CORES) return result
    patienceMs -= performance.now() - startedAt
    if (patienceMs > 0) continue
    disturbed++
    return result
  }
}
