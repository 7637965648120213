// Who computes, seen from outside: CPU time in /proc. It needs no word of the program that is measured. Linux only.
import { readdirSync, readFileSync } from 'node:fs'

/** What the kernel counts CPU time in (USER_HZ). */
const TICK_MS = 10

/** A process that used so little for so long has stopped computing. */
const STILL_MS = 150

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

/** CPU time of a process and of those it started that have ended, in ms. */
export function busyMsOfProcess(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) * TICK_MS
  } catch {
    return 0
  }
}

const busyMsOfAll = (pids: number[]) => pids.reduce((sum, pid) => sum + busyMsOfProcess(pid), 0)

/** CPU time of a process and all that it started, in ms; to 10 ms. */
export const busyMsOfFamily = (pid: number) => busyMsOfAll(family(pid))

/** Waits until the processes that `pid` started stop computing. Resolves with the time they did, by performance.now(); to 10 ms. */
export async function untilStill(pid: number): Promise<number> {
  const children = family(pid).filter(child => child !== pid)
  let last = busyMsOfAll(children)
  let changedAt = performance.now()
  for (;;) {
    await new Promise(resolve => setTimeout(resolve, 5))
    const now = busyMsOfAll(children)
    const at = performance.now()
    // One tick in a while is a timer or a garbage collection; computing takes them all.
    if (now > last + TICK_MS || (now > last && at - changedAt < 25)) changedAt = at
    if (at - changedAt > STILL_MS) return changedAt
    last = now
  }
}

/** CPU time of the whole machine, in ms; undefined where it can't be read. */
function busyMsOfMachine(): number | undefined {
  try {
    const [user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0, stolen = 0] = readFileSync('/proc/stat', 'utf8')
      .split('\n', 1)[0]!
      .split(/\s+/)
      .slice(1)
      .map(Number)
    return (user + nice + system + interrupts + softInterrupts + stolen) * TICK_MS
  } catch {
    return undefined
  }
}

/** Begins to watch; the function it gives says how many cores programs other than this one and its own took on average since then. */
export function watchOthers(): () => number {
  const all = busyMsOfMachine()
  const own = busyMsOfAll(family(process.pid))
  const at = performance.now()
  return () => {
    const allNow = busyMsOfMachine()
    if (all === undefined || allNow === undefined) return 0
    return Math.max(0, allNow - all - (busyMsOfAll(family(process.pid)) - own)) / (performance.now() - at)
  }
}
