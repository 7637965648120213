import type { SearchHit } from '@fusion/shared/search/search-hit.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Connection } from './connection.ts'
import { bodyParts, chatWord, pieceStart, searchedText } from './search-index.ts'
import { understand, type SearchQuery } from '@fusion/shared/search/search-query.ts'
import { snippetOf } from '@fusion/shared/search/snippet.ts'

export interface SearchPage {
  hits: SearchHit[]
  /** Where to go on; null: there is no more. A page can have a hit less than asked for and still go on. */
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

/** FTS5 puts together all places of a beginning before the first hit: 2 ms for so many. */
const FEW_USES = 20_000
/** Beyond, the words that begin so are asked for one by one, the most used ones. */
const MANY_WORDS = 64
const END = Number.MAX_SAFE_INTEGER

export function createSearch(connection: Connection): Search {
  const { sqlite, read } = connection
  const hits = `select msg_search.rowid as row, seq, conv.id as conversation_id, title, msg.id, role, body, msg.created_at, life
     from msg_search
     join msg on msg.seq = (select max(below.seq) from msg below where below.seq <= msg_search.rowid)
     join conv on conv.key = msg.conv
     where msg_search match ? and msg_search.rowid < ? and conv.gone is null`
  const newestFirst = 'order by msg_search.rowid desc limit ?'
  const findAnywhere = sqlite.prepare<[string, number, number], MessageHit>(`${hits} ${newestFirst}`)
  const findInFolder = sqlite.prepare<[string, number, string, number], MessageHit>(`${hits} and conv.folder = ? ${newestFirst}`)
  const findTitles = sqlite.prepare<[string, number, string | null, number], TitleHit>(
    `select key, id, title, life, updated_at from title_search join conv on conv.key = title_search.rowid
     where title_search match ? and title_search.rowid < ? and gone is null and folder is coalesce(?, folder)
     order by title_search.rowid desc limit ?`,
  )
  const selectChats = sqlite.prepare<[string], number>('select key from conv where folder = ? and gone is null order by key').pluck()
  const countChats = sqlite.prepare<[], number>('select count(*) from conv').pluck()
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

  function findMessages(match: string, folder: string | null, before: number, limit: number): MessageHit[] {
    if (folder === null) return findAnywhere.all(match, before, limit)
    const chats = selectChats.all(folder)
    // Asking for each chat by its word takes about 20 µs a chat; looking at all hits, 3 µs for each that lies elsewhere.
    if (chats.length ** 2 > 3 * (countChats.get() ?? 0) + 10_000) return findInFolder.all(match, before, folder, limit)
    if (chats.length === 0) return []
    return findAnywhere.all(`(${match}) AND (${chats.map(key => `"${chatWord(key)}"`).join(' OR ')})`, before, limit)
  }

  function find(query: SearchQuery, folder: string | null, before: string, limit: number): SearchPage {
    const place = /^([tm])(\d{1,16})$/.exec(before)
    if (!place) throw failure('bad-input')
    const titles = place[1] === 't' ? findTitles.all(titleMatchOf(query), Number(place[2]), folder, limit + 1) : []
    const titleHits = titles.slice(0, limit).map(hit => titleHit(hit, query))
    if (titles.length > limit) return { hits: titleHits, next: `t${titles[limit - 1]!.key}` }
    const room = limit - titleHits.length
    if (room === 0) return { hits: titleHits, next: `m${END}` }
    const found = findMessages(matchOf(query), folder, place[1] === 'm' ? Number(place[2]) : END, room + 1)
    const next = found.length > room ? found[room - 1]!.row : null
    // Two pieces of one message stand side by side.
    const shown = found.slice(0, room)
    const messageHits = shown.filter((hit, index) => hit.seq !== shown[index - 1]?.seq).map(hit => messageHit(hit, query))
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
