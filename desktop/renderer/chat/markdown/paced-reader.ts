import { nothingParsed, parseBlocks, type Parsed } from './blocks.ts'

/** A growing text that takes longer than this to read, in ms, is not read at every frame … */
const SLOW_MS = 6
/** … but so seldom that reading takes at most a fifth of the time. */
const REST = 4

export interface PacedReader {
  /** The blocks to show now, and in how many ms the text should be read again; null: they are those of the text. */
  read(text: string, growing: boolean): { parsed: Parsed; againMs: number | null }
}

/** Reads one text as it grows. Finished blocks stay the same objects, and a slow text is read less often than it changes. */
export function createPacedReader(now: () => number = () => performance.now()): PacedReader {
  let parsed = nothingParsed
  let whole = true
  let costMs = 0
  let readAtMs = 0

  return {
    read(text, growing) {
      if (parsed.source === text && (growing || whole)) return { parsed, againMs: null }
      const startMs = now()
      const restMs = costMs > SLOW_MS ? readAtMs + costMs * REST - startMs : 0
      if (growing && restMs > 0) return { parsed, againMs: restMs }
      // A definition (`[name]: address`) may stand below its use: once the text is whole, it is read from the beginning.
      const anew = !growing && Object.keys(parsed.links).length > 0
      parsed = parseBlocks(text, anew ? nothingParsed : parsed)
      whole = !growing
      readAtMs = now()
      costMs = readAtMs - startMs
      return { parsed, againMs: null }
    },
  }
}
