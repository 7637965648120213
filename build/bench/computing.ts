// Whether processes compute, seen from outside: their CPU time in /proc. It needs no word of the program that is measured.
import { readdirSync, readFileSync } from 'node:fs'

/** Kernel ticks are 10 ms; a process that used none for so long has stopped computing. */
const STILL_MS = 60

/** A process and all that it started. */
function family(pid: number): number[] {
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap(task =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    )
    return [pid, ...children.flatMap(family)]
  } catch {
    return []
  }
}

function ticksOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return Number(fields[11]) + Number(fields[12])
  } catch {
    return 0
  }
}

/** Waits until the processes that `pid` started stop computing. Resolves with the time they did, by performance.now(); to 10 ms. Linux only. */
export async function untilStill(pid: number): Promise<number> {
  const children = family(pid).filter(child => child !== pid)
  const ticks = () => children.reduce((sum, child) => sum + ticksOf(child), 0)
  let last = ticks()
  let changedAt = performance.now()
  for (;;) {
    await new Promise(resolve => setTimeout(resolve, 5))
    const now = ticks()
    const at = performance.now()
    // One tick in a while is a timer or a garbage collection; computing takes them all.
    if (now > last + 1 || (now > last && at - changedAt < 25)) changedAt = at
    if (at - changedAt > STILL_MS) return changedAt
    if (now > last) last = now
  }
}
