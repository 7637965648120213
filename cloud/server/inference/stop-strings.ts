/** Text up to the first of some stop strings, as it comes: what may be the beginning of one is held back. */
export function createStopStrings(stops: readonly string[]) {
  const longest = Math.max(0, ...stops.map(({ length }) => length))
  let held = ''
  return {
    /** `stopped`: a stop string came; the text ends before it, and what comes after is not the answer's. */
    take(text: string): { text: string; stopped: boolean } {
      held += text
      const at = Math.min(...stops.map(stop => held.indexOf(stop)).filter(index => index >= 0))
      if (Number.isFinite(at)) return { text: held.slice(0, at), stopped: true }
      let sure = Math.max(0, held.length - Math.max(0, longest - 1))
      // Half a character alone is none to most clients.
      if (/[\uD800-\uDBFF]$/.test(held.slice(0, sure))) sure -= 1
      const told = held.slice(0, sure)
      held = held.slice(sure)
      return { text: told, stopped: false }
    },
    /** What was held back, where nothing comes after it. */
    end: () => held,
  }
}
