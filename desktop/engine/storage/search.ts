import type { SearchHit } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Connection } from './connection.ts'
import { bodyParts, chatWord, pieceStart, searchedText, SEQ_PER_MS } from './search-index.ts'
import { understand, type SearchQuery } from './search-query.ts'
import { snippetOf } from './snippet.ts'

export interface SearchPage {
  hits: SearchHit[]
  /** Where to go on; null: there is no more. A page may have fewer hits than asked for and still go on: looking further took too long. */
  next: string | null
}

export interface Search {
  /** Titles first, then messages, each the newest first. */
  find(query: { text: string; folderId?: string; before?: string; limit: number }): SearchPage
}

interface MessageHit {
  row: number
  seq: number
  conversation_id: string
  title: string
  id: string
  role: 'user' | 'assistant'
  body: string
  created_at: number
  life: 'live' | 'trash'
}

interface TitleHit {
  key: number
  id: string
  title: string
  life: 'live' | 'trash'
  updated_at: number
}

/** A page looks no longer than about this for its messages; a rare combination of common words in a million messages would take 300 ms. */
const BUDGET_MS = 5
/** Up to so many rows are searched in one go: under 5 ms for any question. */
const SMALL = 16_000
/** FTS5 puts together all places of a beginning before the first hit: 2 ms for so many. */
const FEW_USES = 20_000
/** Beyond, the words that begin so are asked for one by one, the most used ones. */
const MANY_WORDS = 200
/** A folder with more chats holds so much of everything that its messages are met soon enough among all others. */
const FEW_CHATS = 200
const END = Number.MAX_SAFE_INTEGER

export function createSearch(connection: Connection): Search {
  const { sqlite, read } = connection
  const hits = `select msg_search.rowid as row, seq, conv.id as conversation_id, title, msg.id, role, body, msg.created_at, life
     from msg_search
     join msg on msg.seq = (select max(below.seq) from msg below where below.seq <= msg_search.rowid)
     join conv on conv.key = msg.conv
     where msg_search match ? and msg_search.rowid < ? and msg_search.rowid >= ? and conv.gone is null`
  const newestFirst = 'order by msg_search.rowid desc limit ?'
  const findAnywhere = sqlite.prepare<[string, number, number, number], MessageHit>(`${hits} ${newestFirst}`)
  const findInFolder = sqlite.prepare<[string, number, number, string, number], MessageHit>(`${hits} and conv.folder = ? ${newestFirst}`)
  const findTitles = sqlite.prepare<[string, number, string | null, number], TitleHit>(
    `select key, id, title, life, updated_at from title_search join conv on conv.key = title_search.rowid
     where title_search match ? and title_search.rowid < ? and gone is null and folder is coalesce(?, folder)
     order by title_search.rowid desc limit ?`,
  )
  const selectChats = sqlite
    .prepare<[string, number], number>('select key from conv where folder = ? and gone is null order by key limit ?')
    .pluck()
  const selectRange = sqlite.prepare<[], { oldest: number | null; newest: number | null }>(
    'select (select min(seq) from msg) as oldest, (select max(seq) from msg) as newest',
  )
  const selectIsLarge = sqlite.prepare<[number], number>('select 1 from msg limit 1 offset ?').pluck()
  const selectUses = sqlite
    .prepare<[string, string], number>(
      `select sum(uses) from (select uses from search_word where word >= ? and word < ? limit ${FEW_USES + 1})`,
    )
    .pluck()
  const selectWords = sqlite
    .prepare<[string, string, number], string>('select word from search_word where word >= ? and word < ? order by uses desc limit ?')
    .pluck()

  /**
   * A word that may go on, for FTS5. Of a beginning that stands in very many messages, only the most used words count: any others are
   * found with one letter more.
   */
  function beginning(word: string): string {
    // The largest character there is: above all words that begin so.
    const end = `${word}\u{10ffff}`
    if ((selectUses.get(word, end) ?? 0) <= FEW_USES) return `"${word}"*`
    return `(${selectWords
      .all(word, end, MANY_WORDS)
      .map(one => `"${one}"`)
      .join(' OR ')})`
  }

  function matchOf({ phrases }: SearchQuery): string {
    return phrases
      .map(({ words, open }) => (open && words.length === 1 ? beginning(words[0]!) : `"${words.join(' ')}"${open ? '*' : ''}`))
      .join(' AND ')
  }

  /** Messages only become more, but for a purge: once large, large. */
  let isLarge = false

  function findMessages(match: string, folder: string | null, before: number, limit: number): { found: MessageHit[]; next: number | null } {
    const chats = folder === null ? [] : selectChats.all(folder, FEW_CHATS + 1)
    if (folder !== null && chats.length === 0) return { found: [], next: null }
    const scan = folder !== null && chats.length > FEW_CHATS
    const asked = folder === null || scan ? match : `(${match}) AND (${chats.map(key => `"${chatWord(key)}"`).join(' OR ')})`
    const find = (upper: number, lower: number, count: number) =>
      scan ? findInFolder.all(asked, upper, lower, folder, count) : findAnywhere.all(asked, upper, lower, count)

    isLarge ||= selectIsLarge.get(SMALL) !== undefined
    const { oldest, newest } = selectRange.get()!
    if (oldest === null || newest === null) return { found: [], next: null }
    const found: MessageHit[] = []
    const start = performance.now()
    // From the newest back in stretches of time, so that the looking can end in between.
    let width = isLarge ? Math.ceil((newest - oldest + 1) / 64) : END
    let upper = Math.min(before, newest + SEQ_PER_MS)
    while (upper > oldest) {
      const lower = Math.max(0, upper - width)
      const began = performance.now()
      found.push(...find(upper, lower, limit + 1 - found.length))
      if (found.length > limit) return { found: found.slice(0, limit), next: found[limit - 1]!.row }
      upper = lower
      if (upper <= oldest) break
      if (performance.now() - start > BUDGET_MS) return { found, next: upper }
      if (performance.now() - began < 1) width *= 4
    }
    return { found, next: null }
  }

  function find(query: SearchQuery, folder: string | null, before: string, limit: number): SearchPage {
    const place = /^([tm])(\d{1,16})$/.exec(before)
    if (!place) throw failure('bad-input')
    const titles = place[1] === 't' ? findTitles.all(titleMatchOf(query), Number(place[2]), folder, limit + 1) : []
    const titleHits = titles.slice(0, limit).map(hit => titleHit(hit, query))
    if (titles.length > limit) return { hits: titleHits, next: `t${titles[limit - 1]!.key}` }
    const room = limit - titleHits.length
    if (room === 0) return { hits: titleHits, next: `m${END}` }
    const { found, next } = findMessages(matchOf(query), folder, place[1] === 'm' ? Number(place[2]) : END, room)
    // Two pieces of one message stand side by side.
    const messageHits = found.filter((hit, index) => hit.seq !== found[index - 1]?.seq).map(hit => messageHit(hit, query))
    return { hits: [...titleHits, ...messageHits], next: next === null ? null : `m${next}` }
  }

  return {
    find({ text, folderId, before, limit }) {
      const query = understand(text)
      if (query.phrases.length === 0) return { hits: [], next: null }
      return read(() => find(query, folderId ?? null, before ?? `t${END}`, limit))
    },
  }
}

/** Titles are few: every beginning is asked for as it is. */
function titleMatchOf({ phrases }: SearchQuery): string {
  return phrases.map(({ words, open }) => `"${words.join(' ')}"${open ? '*' : ''}`).join(' AND ')
}

function titleHit(hit: TitleHit, query: SearchQuery): SearchHit {
  return {
    conversationId: hit.id,
    conversationTitle: hit.title,
    messageId: null,
    role: null,
    at: hit.updated_at,
    life: hit.life,
    snippet: snippetOf(hit.title, query.shown),
  }
}

function messageHit(hit: MessageHit, query: SearchQuery): SearchHit {
  const text = searchedText(bodyParts(hit.body))
  return {
    conversationId: hit.conversation_id,
    conversationTitle: hit.title,
    messageId: hit.id,
    role: hit.role,
    at: hit.created_at,
    life: hit.life,
    snippet: snippetOf(text.slice(pieceStart(hit.row - hit.seq)), query.shown),
  }
}
