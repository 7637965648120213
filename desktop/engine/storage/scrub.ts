import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import type { Sqlite } from './connection.ts'

// SQLite's secure_delete zeroes what is deleted, but when it moves rows between pages (balancing, rebuildPage in btree.c) the old place
// of a row that lives on elsewhere stays readable in the unused middle of the page. Once the row is deleted, that copy is left. So after
// a purge the unused middle of every b-tree page is zeroed in the file itself. This thread is the only writer (fusion.lock, one
// connection that writes), so nothing can come between as long as a slice runs.

/** Bytes read at once. */
const STRETCH = 1 << 20
const SLICE_MS = 10
/** From here on the first byte of an overflow page can look like that of a b-tree page. */
const MAX_PAGES = 0x0200_0000

/** Zeroes what no row uses on any page of the database. Slices of about 10 ms. */
export async function scrub(sqlite: Sqlite): Promise<void> {
  const pageSize = sqlite.pragma('page_size', { simple: true }) as number
  const zeros = Buffer.alloc(pageSize)
  const stretch = Buffer.alloc(STRETCH)
  const handle = openSync(sqlite.name, 'r+')
  try {
    for (let at = 0; ;) {
      while (!emptyWal(sqlite)) await new Promise(resolve => setTimeout(resolve, 50))
      const size = fstatSync(handle).size
      if (size / pageSize > MAX_PAGES) return
      const end = performance.now() + SLICE_MS
      while (at < size && performance.now() < end) {
        const read = readSync(handle, stretch, 0, STRETCH, at)
        for (let page = 0; page + pageSize <= read; page += pageSize) {
          const gap = unusedMiddle(stretch.subarray(page, page + pageSize), at + page === 0 ? 100 : 0)
          if (!gap || stretch.compare(zeros, 0, gap.to - gap.from, page + gap.from, page + gap.to) === 0) continue
          writeSync(handle, zeros, 0, gap.to - gap.from, at + page + gap.from)
        }
        at += STRETCH
      }
      // Pages that SQLite remembers still have what was zeroed, and would bring it back with their next change.
      sqlite.pragma('shrink_memory')
      if (at >= size) break
      await new Promise(resolve => setTimeout(resolve, SLICE_MS))
    }
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/**
 * Brings everything from the WAL into the database and makes the WAL empty: it still holds pages as they were. False where a reader of
 * long standing (a check of the file) holds it: to be tried again a little later.
 */
function emptyWal(sqlite: Sqlite): boolean {
  if (!sqlite.open) throw new Error('The storage was closed')
  const [result] = sqlite.pragma('wal_checkpoint(truncate)') as { busy: number }[]
  return result?.busy === 0
}

/** Between the list of cells and the cells of a b-tree page (sqlite.org/fileformat.html §1.6); undefined for any other page. */
function unusedMiddle(page: Buffer, header: number): { from: number; to: number } | undefined {
  const kind = page[header]
  const isInterior = kind === 2 || kind === 5
  if (!isInterior && kind !== 10 && kind !== 13) return undefined
  const from = header + (isInterior ? 12 : 8) + 2 * page.readUInt16BE(header + 3)
  const to = page.readUInt16BE(header + 5) || 65_536
  return from < to && to <= page.length ? { from, to } : undefined
}
