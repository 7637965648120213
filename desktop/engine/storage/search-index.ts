import { textOf, type Message } from '@fusion/shared/chat/message.ts'
import type { Connection } from './connection.ts'
import { parseJson } from './conversations.ts'
import { recreateSearchTable } from './repair.ts'
import { indexWords, SEGMENTS_VERSION } from '@fusion/shared/search/segment-text.ts'
import { Damage } from './sqlite-failure.ts'

/**
 * The index holds a message in pieces of this many UTF-16 units, each under a row of its own, so that a 2 MB message is taken in without
 * a pause: a piece takes about 20 ms. Neighbours overlap, so that no word or short phrase is lost between two.
 */
const PIECE = 32_768
const OVERLAP = 64
/** A message has the rows `seq` to `seq + pieces - 1` at most. Text beyond 16 million units is not searched. */
const MAX_PIECES = 500
/** What a growing answer gets, whose length nobody knows yet: a million units. */
const GROWING_PIECES = 32
/** A message's `seq` is its time times this, plus a counter: whole numbers in JavaScript till the year 2248. */
export const SEQ_PER_MS = 1024

/** Where a message lies, in the table and in the index. */
export interface Place {
  seq: number
  conv: number
  /** Rows it may take. */
  pieces: number
}

export interface SearchIndex {
  /** How many rows this message takes, from its `seq` on. */
  piecesOf(message: Pick<Message, 'parts' | 'status'>): number
  addTitle(key: number, title: string): void
  removeTitle(key: number, title: string): void
  /** The first piece at once, the others by `workOff`. */
  addMessage(place: Place, message: Pick<Message, 'parts'>): void
  /** Takes out of the index exactly what went in, and adds its words to `uses`, in how many rows each stood. */
  removeMessage(place: Place, message: Pick<Message, 'parts'>, uses: Map<string, number>): void
  /** Takes these from the count of words, in the same transaction. Returns the words that no message has any more. */
  forgetUses(uses: ReadonlyMap<string, number>): string[]
  /** Takes in what waits, for about `ms`; true when nothing waits. */
  workOff(ms: number): boolean
  /**
   * Begins anew, outside any transaction; `workOff` then takes everything in again, the newest first.
   * True where damaged tables had to be left behind in the file.
   */
  rebuild(): boolean
  /** True where the index was made by another version of the words. */
  isOutdated(): boolean
}

/** The index of this version of the words, and of the Unicode tables they were made with. */
const VERSION = `${SEGMENTS_VERSION} ${process.versions['unicode']}`

export function createSearchIndex(connection: Pick<Connection, 'sqlite' | 'commitLightly' | 'commit'>): SearchIndex {
  const { sqlite, commit, commitLightly } = connection
  const insertTitle = sqlite.prepare('insert into title_search (rowid, words) values (?, ?)')
  const deleteTitle = sqlite.prepare(`insert into title_search (title_search, rowid, words) values ('delete', ?, ?)`)
  const insertPiece = sqlite.prepare('insert into msg_search (rowid, words) values (?, ?)')
  const deletePiece = sqlite.prepare(`insert into msg_search (msg_search, rowid, words) values ('delete', ?, ?)`)
  const insertTodo = sqlite.prepare('insert into search_todo (row) values (?)')
  const deleteTodo = sqlite.prepare('delete from search_todo where row = ?')
  const selectTodo = sqlite.prepare<[], number>('select max(row) from search_todo').pluck()
  const selectTitles = sqlite.prepare<[], { key: number; title: string }>('select key, title from conv where gone is null')
  const countWord = sqlite.prepare('insert into search_word (word, uses) values (?, 1) on conflict do update set uses = uses + 1')
  const uncountWord = sqlite.prepare('update search_word set uses = uses - ? where word = ?')
  const deleteWord = sqlite.prepare('delete from search_word where word = ? and uses <= ?')
  const selectUpTo = sqlite.prepare<[number], Place & { body: string; status: string }>(
    // A damaged row can hold nothing where the table says that there is something.
    `select seq, conv, pieces, body, status from msg where seq <= ? and typeof(conv) = 'integer' and typeof(body) = 'text'
     order by seq desc limit 1`,
  )
  const selectMeta = sqlite.prepare<[string], string>('select value from meta where name = ?').pluck()
  const putMeta = sqlite.prepare('insert into meta (name, value) values (?, ?) on conflict do update set value = excluded.value')
  const deleteMeta = sqlite.prepare('delete from meta where name = ?')

  /** While the index is made anew: messages below this are not in it yet. */
  function below(): number {
    return Number(selectMeta.get('search-below') ?? 0)
  }

  function wordsOf(conv: number, text: string, piece: number): string[] {
    return [chatWord(conv), ...indexWords(text.slice(piece * PIECE, (piece + 1) * PIECE + OVERLAP))]
  }

  function addPiece(row: number, conv: number, text: string, piece: number): void {
    const words = wordsOf(conv, text, piece)
    insertPiece.run(row, words.join(' '))
    for (const word of new Set(words)) countWord.run(word)
  }

  function addMessage({ seq, conv, pieces }: Place, message: Pick<Message, 'parts'>): void {
    const text = searchedText(message)
    addPiece(seq, conv, text, 0)
    for (let piece = 1; piece < Math.min(pieces, piecesIn(text)); piece++) insertTodo.run(seq + piece)
  }

  function addWaitingPiece(row: number): void {
    deleteTodo.run(row)
    const message = selectUpTo.get(row)
    if (message) addPiece(row, message.conv, searchedText(bodyParts(message.body)), row - message.seq)
  }

  function addNextBelow(): void {
    const next = selectUpTo.get(below() - 1)
    if (!next) return void deleteMeta.run('search-below')
    putMeta.run('search-below', String(next.seq))
    if (next.status !== 'growing') addMessage(next, bodyParts(next.body))
  }

  return {
    piecesOf: message => (message.status === 'growing' ? GROWING_PIECES : piecesIn(searchedText(message))),
    addTitle: (key, title) => void insertTitle.run(key, indexWords(title).join(' ')),
    removeTitle: (key, title) => void deleteTitle.run(key, indexWords(title).join(' ')),
    addMessage(place, message) {
      if (place.seq >= below()) addMessage(place, message)
    },
    removeMessage({ seq, conv, pieces }, message, uses) {
      if (seq < below()) return
      const text = searchedText(message)
      for (let piece = 0; piece < Math.min(pieces, piecesIn(text)); piece++) {
        if (deleteTodo.run(seq + piece).changes > 0) continue
        const words = wordsOf(conv, text, piece)
        deletePiece.run(seq + piece, words.join(' '))
        for (const word of new Set(words)) uses.set(word, (uses.get(word) ?? 0) + 1)
      }
    },
    forgetUses(uses) {
      const gone: string[] = []
      for (const [word, count] of uses) {
        if (deleteWord.run(word, count).changes > 0) gone.push(word)
        else uncountWord.run(count, word)
      }
      return gone
    },
    workOff(ms) {
      const end = performance.now() + ms
      let idle = false
      while (!idle && performance.now() < end) {
        const row = selectTodo.get()
        const under = below()
        if (typeof row === 'number') commitLightly(() => addWaitingPiece(row))
        else if (under > 0) commitLightly(addNextBelow)
        else idle = true
        // A damaged table can take a change and still show what it showed before.
        if (typeof row === 'number' ? selectTodo.get() === row : under > 0 && below() === under) throw new Damage('Indexing does not go on')
      }
      return idle
    },
    rebuild() {
      const leftBehind = ['title_search', 'msg_search', 'search_word', 'search_todo']
        .map(table => recreateSearchTable(sqlite, table))
        .includes(true)
      commit(() => {
        for (const { key, title } of selectTitles.all()) insertTitle.run(key, indexWords(title).join(' '))
        const newest = selectUpTo.get(Number.MAX_SAFE_INTEGER)
        if (newest) putMeta.run('search-below', String(newest.seq + 1))
        putMeta.run('search-version', VERSION)
      })
      return leftBehind
    },
    isOutdated: () => selectMeta.get('search-version') !== VERSION,
  }
}

/** What is searched of a message: its text and the names of its attachments, not its reasoning. */
export function searchedText(message: Pick<Message, 'parts'>): string {
  return [textOf(message), ...message.parts.flatMap(part => (part.type === 'attachment' ? [part.name] : []))].join('\n')
}

/** The word that stands in each message's row for its chat. Of private use: no text and no query can hold it. */
export function chatWord(conv: number): string {
  return `\ue000${conv.toString(36)}`
}

/** Where in the searched text the piece begins. */
export function pieceStart(piece: number): number {
  return piece * PIECE
}

function piecesIn(text: string): number {
  return Math.min(MAX_PIECES, Math.max(1, Math.ceil(text.length / PIECE)))
}

/** Of a damaged body nothing is searched. */
export function bodyParts(body: string): Pick<Message, 'parts'> {
  const parsed = parseJson(body)
  return typeof parsed === 'object' && parsed !== null && 'parts' in parsed && Array.isArray(parsed.parts)
    ? { parts: parsed.parts as Message['parts'] }
    : { parts: [] }
}
