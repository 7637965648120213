import type { Connection } from './connection.ts'

/** How the words of a chat leave the search index for good. */
export interface IndexErase {
  /** Before the messages are taken out, with their number. Sets how FTS5 deletes from now on. */
  begin(messages: number): void
  /** Messages that may leave in one transaction, so that it stays short. */
  perSlice(): number
  /** Between two such transactions: one slice of putting small segments together, true when there is nothing to. */
  tidySlice(): boolean
  /** After all have left: one slice of what is left to do, true when nothing is. */
  mergeSlice(): boolean
}

/** FTS5's secure-delete changes a page for each word: about 5 ms a message. */
const EACH_MS = 5
/** Writing the whole index anew takes about this for each of its pages of 4 kB (107 MB in 1.5 s). */
const PAGE_MS = 0.08
/** Pages written in one slice: about 5 ms. */
const SLICE_PAGES = 32n

/**
 * Of few messages each word is taken from its page at once (`secure-delete`). Many are marked as gone first, and the index is then merged
 * into one segment, which leaves the marked ones behind; the pages before it are zeroed as they are freed.
 */
export function createIndexErase({ sqlite, commit, commitLightly }: Connection): IndexErase {
  const countPages = sqlite.prepare<[], number>('select count(*) from msg_search_idx').pluck()
  // FTS5 takes whole numbers only, and a JavaScript number comes as a fraction: hence the bigints.
  const setSecure = sqlite.prepare(`insert into msg_search (msg_search, rank) values ('secure-delete', ?)`)
  const merge = sqlite.prepare(`insert into msg_search (msg_search, rank) values ('merge', ?)`)
  // Merging of its own in the middle of a commit would take 30 ms and more; 4 is how FTS5 comes.
  const setAutomerge = sqlite.prepare(`insert into msg_search (msg_search, rank) values ('automerge', ?)`)
  const changes = sqlite.prepare<[], number>('select total_changes()').pluck()
  let byMerge = false
  let merging = false

  /** Writes some pages; false where there was nothing to do. "If it is less than 2, the merge was a no-op" (fts5.html §6.9). */
  function mergePages(pages: bigint): boolean {
    const before = changes.get()!
    commitLightly(() => merge.run(pages))
    return changes.get()! - before >= 2
  }

  return {
    begin(messages) {
      byMerge = messages * EACH_MS > (countPages.get() ?? 0) * PAGE_MS
      merging = false
      commit(() => {
        setSecure.run(byMerge ? 0n : 1n)
        setAutomerge.run(byMerge ? 0n : 4n)
      })
    },
    tidySlice: () => !byMerge || !mergePages(SLICE_PAGES),
    perSlice: () => (byMerge ? 1000 : 2),
    mergeSlice() {
      if (!byMerge) return true
      // A negative number puts all segments on one level, to become one.
      const merged = mergePages(merging ? SLICE_PAGES : -SLICE_PAGES)
      if (merged || !merging) {
        merging = true
        return false
      }
      commit(() => {
        setSecure.run(1n)
        setAutomerge.run(4n)
      })
      return true
    },
  }
}
