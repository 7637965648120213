import type { Sqlite } from './connection.ts'

// FTS5 keeps, for each leaf page of a segment, a separator: the first letters of the page's first word (table …_idx). Its secure-delete
// takes a word from the page but leaves the separator as it was, so a word of a purged chat could stay readable there. Any word between
// the last one of the page before and the first one of the page may stand as separator, so the page's present first word takes its place.

interface Separator {
  segid: number
  term: Buffer
  pgno: number
}

/** Separators looked at in one go: about 5 ms. */
const STRETCH = 4000

/** Replaces the separators of the search index that begin a word of `words`, which are gone, and no word that is still there. */
export async function cleanSeparators(sqlite: Sqlite, words: ReadonlySet<string>): Promise<void> {
  const sorted = [...words].toSorted()
  const begins = (text: string) => sorted[lowerBound(sorted, text)]?.startsWith(text) ?? false
  const next = sqlite.prepare<[number, number, Buffer, number], Separator>(
    'select segid, term, pgno from msg_search_idx where segid > ? or (segid = ? and term > ?) order by segid, term limit ?',
  )
  const atLeast = sqlite.prepare<[string], string>('select word from search_word where word >= ? order by word limit 1').pluck()
  const isThere = (text: string) => atLeast.get(text)?.startsWith(text) ?? false
  let last: Separator = { segid: -1, term: Buffer.alloc(0), pgno: 0 }
  for (;;) {
    const stretch = next.all(last.segid, last.segid, last.term, STRETCH)
    for (const separator of stretch) {
      // The first byte says which index; there is but one.
      const text = wholeCharacters(separator.term.subarray(1))
      if (text !== '' && begins(text) && !isThere(text)) replace(sqlite, separator)
    }
    if (stretch.length < STRETCH) return
    last = stretch.at(-1)!
    await new Promise(resolve => setImmediate(resolve))
  }
}

function replace(sqlite: Sqlite, { segid, term, pgno }: Separator): void {
  const first = firstTerm(sqlite, segid, Math.floor(pgno / 2))
  if (first === undefined || Buffer.compare(first, term) <= 0) return
  // FTS5's own tables are closed to SQL unless this is said.
  sqlite.unsafeMode(true)
  try {
    sqlite.prepare('update msg_search_idx set term = ? where segid = ? and term = ?').run(first, segid, term)
  } finally {
    sqlite.unsafeMode(false)
  }
}

/** The first word on a leaf page, with the byte of its index; undefined where none begins there. Layout: "FTS5 segment b-tree" in fts5_index.c. */
function firstTerm(sqlite: Sqlite, segid: number, page: number): Buffer | undefined {
  const row = (BigInt(segid) << 37n) | BigInt(page)
  const block = sqlite.prepare<[bigint], Buffer>('select block from msg_search_data where id = ?').pluck().get(row)
  if (!block || block.length < 4) return undefined
  const contentEnd = block.readUInt16BE(2)
  if (contentEnd >= block.length) return undefined
  const offset = varint(block, contentEnd)
  const length = varint(block, offset.value)
  return block.subarray(length.end, length.end + length.value)
}

/** SQLite's variable-length integers, as far as page offsets go: seven bits a byte, the highest first. */
function varint(bytes: Buffer, at: number): { value: number; end: number } {
  let value = 0
  for (let end = at; end < bytes.length; end++) {
    value = value * 128 + (bytes[end]! & 0x7f)
    if (bytes[end]! < 0x80) return { value, end: end + 1 }
  }
  return { value, end: bytes.length }
}

/** A separator can end within a character. */
function wholeCharacters(bytes: Buffer): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true })
}

function lowerBound(sorted: readonly string[], text: string): number {
  let from = 0
  let to = sorted.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (sorted[middle]! < text) from = middle + 1
    else to = middle
  }
  return from
}
