// Answers that several requests have in common: one that is being made is followed, one that was kept is told again.

export interface AnswerKey {
  organisationId: string
  /** Of the whole request and of whose it is; see `answerKey`. */
  key: string
}

/** `make`: nobody makes it now. `follow`: somebody does. `replay`: it is there whole. `alone`: nothing is shared. */
export type Joined = 'make' | 'follow' | 'replay' | 'alone'

export interface SharedAnswers {
  /** `id`: of whoever asks. `replays`: it takes one that was kept. */
  join(of: AnswerKey, id: string, replays: boolean): Promise<Joined>
  /**
   * Adds to what this one makes, of which `from` chunks are there. False where it is (no longer) shared: it grew too long, or its maker was thought dead;
   * undefined where that is not known.
   */
  append(of: AnswerKey, id: string, from: number, chunks: readonly string[]): Promise<boolean | undefined>
  /** It is still being made. */
  alive(of: AnswerKey, id: string): Promise<void>
  /** It is whole, and kept for so long, unless all that is kept was forgotten meanwhile; 0: for those alone who follow it now. */
  end(of: AnswerKey, id: string, keepMs: number): Promise<void>
  /** Nobody makes it any more. */
  abandon(of: AnswerKey, id: string): Promise<void>
  /**
   * Chunks after so many, some hundred at most. `gone`: no more come, and it is not whole. `by` is another one where it was begun anew: its chunks
   * are no rest of those that were read before. undefined: nobody knows at the moment.
   */
  read(of: AnswerKey, after: number): Promise<ReadAnswer | undefined>
  /** Forgets all that is kept of an organisation; tells how many. */
  purge(organisationId: string): Promise<number>
}

export interface ReadAnswer {
  by: string
  chunks: string[]
  state: 'running' | 'whole' | 'gone'
}

/** Whoever makes an answer says so every few seconds; then it is thought dead. */
export const ALIVE_MS = 10_000
/** Those who follow read the rest of one that ended within this time. */
export const FOLLOWED_MS = 10_000
/** A longer answer is not shared. */
export const MOST_CHUNKS = 20_000
/** Kept of one organisation: so many, of so many characters together. */
export const MOST_KEPT = 10_000
export const MOST_KEPT_CHARACTERS = 100_000_000
export const READ_CHUNKS = 500

interface Kept {
  by: string
  chunks: string[]
  maker: string | undefined
  aliveUntil: number
  whole: boolean
  until: number
  /** It may be told again to those who come later. */
  replays: boolean
  /** All that is kept was to be forgotten when it was being made. */
  forgotten: boolean
}

/** Of all answers that are kept in this process. */
const MOST_CHARACTERS = 50_000_000
/** One that is over is looked for so often. */
const SWEEP_MS = 1_000

/** In this process alone. */
export function createMemoryAnswers({ now = () => performance.now() } = {}): SharedAnswers {
  const answers = new Map<string, Kept>()
  let characters = 0
  let sweptAt = -Infinity
  const name = ({ organisationId, key }: AnswerKey) => `${organisationId} ${key}`
  const sizeOf = ({ chunks }: Kept) => chunks.reduce((sum, { length }) => sum + length, 0)

  function drop(at: string): void {
    const kept = answers.get(at)
    if (kept) characters -= sizeOf(kept)
    answers.delete(at)
  }
  function find(of: AnswerKey): Kept | undefined {
    const kept = answers.get(name(of))
    if (kept && kept.until <= now()) drop(name(of))
    return answers.get(name(of))
  }
  /** Of those that nobody asks for again. */
  function sweep(): void {
    if (now() - sweptAt < SWEEP_MS) return
    sweptAt = now()
    for (const [at, { until }] of answers) if (until <= now()) drop(at)
  }
  function mine(of: AnswerKey, id: string): Kept | undefined {
    const kept = find(of)
    return kept?.maker === id && kept.aliveUntil > now() ? kept : undefined
  }

  return {
    async join(of, id, replays) {
      sweep()
      const kept = find(of)
      if (kept?.whole) return replays && kept.replays ? 'replay' : 'alone'
      if (kept && kept.aliveUntil > now()) return 'follow'
      drop(name(of))
      const times = { aliveUntil: now() + ALIVE_MS, until: now() + 900_000 }
      answers.set(name(of), { by: id, chunks: [], maker: id, ...times, whole: false, replays: false, forgotten: false })
      return 'make'
    },
    async append(of, id, _from, chunks) {
      const kept = mine(of, id)
      if (!kept || kept.chunks.length + chunks.length > MOST_CHUNKS) return false
      kept.chunks.push(...chunks)
      kept.aliveUntil = now() + ALIVE_MS
      characters += chunks.reduce((sum, { length }) => sum + length, 0)
      for (const [at, { whole }] of answers) {
        if (characters <= MOST_CHARACTERS) break
        if (whole) drop(at)
      }
      return true
    },
    async alive(of, id) {
      const kept = mine(of, id)
      if (kept) kept.aliveUntil = now() + ALIVE_MS
    },
    async end(of, id, keepMs) {
      const kept = mine(of, id)
      if (!kept) return
      const keptMs = kept.forgotten ? 0 : keepMs
      Object.assign(kept, { whole: true, maker: undefined, replays: keptMs > 0, until: now() + Math.max(FOLLOWED_MS, keptMs) })
      const of_ = [...answers].filter(([at, { replays }]) => replays && at.startsWith(`${of.organisationId} `))
      for (const [at] of of_.slice(0, Math.max(0, of_.length - MOST_KEPT))) drop(at)
    },
    async abandon(of, id) {
      const kept = mine(of, id)
      if (kept) Object.assign(kept, { aliveUntil: 0, until: now() + FOLLOWED_MS })
    },
    async read(of, after) {
      const kept = find(of)
      if (!kept) return { by: '', chunks: [], state: 'gone' }
      const chunks = kept.chunks.slice(after, after + READ_CHUNKS)
      const isAll = after + chunks.length >= kept.chunks.length
      const state = kept.whole ? (isAll ? 'whole' : 'running') : kept.aliveUntil > now() ? 'running' : 'gone'
      return { by: kept.by, chunks, state }
    },
    async purge(organisationId) {
      sweep()
      const all = [...answers].filter(([at]) => at.startsWith(`${organisationId} `))
      const kept = all.filter(([, { replays }]) => replays)
      for (const [at] of kept) drop(at)
      for (const [, one] of all) one.forgotten = true
      return kept.length
    },
  }
}
