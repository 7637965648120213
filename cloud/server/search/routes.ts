import { searchRoutes } from '@fusion/shared/contract/cloud/search.ts'
import { textOf } from '@fusion/shared/chat/message.ts'
import type { SearchHit } from '@fusion/shared/search/search-hit.ts'
import { type SearchQuery, understand } from '@fusion/shared/search/search-query.ts'
import { snippetOf } from '@fusion/shared/search/snippet.ts'
import type { FastifyInstance } from 'fastify'
import { addWords, findMessagesWith, listTitles, takeUnread } from '../../database/search.ts'
import { cursorOf, readCursor } from '../history/cursor.ts'
import { serve } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'
import { hasPhrases, markOf, RULES, textOfPiece, wordsOfQuery, wordsOfText } from './words.ts'

/** Messages that are read in with one transaction: some 50 ms. */
const BATCH = 200
/** A search reads in what is new for so long at most; a history of 20,000 messages takes about so long the first time. */
const READ_IN_MS = 5_000
const TITLES = 1_000
const MESSAGES = 100
/** Messages with all the words that one page looks at: those of a phrase may stand in many, and hardly ever side by side. */
const MOST_MESSAGES = 1_000
/** Before the cursor of each kind. */
const TITLE = 't'
const MESSAGE = 'm'

interface Page {
  hits: SearchHit[]
  next: string | null
}

/** One's own chats by their words, by the same rules as on a desktop. */
export async function search(app: FastifyInstance, { database }: Pick<Parts, 'database'>): Promise<void> {
  serve(app, searchRoutes.search, async ({ caller: { userId }, query: { q, before, limit = 20 } }) => {
    const query = understand(q)
    if (query.phrases.length === 0) return { hits: [], next: null, complete: true }
    const complete = await readIn(userId)
    const page: Page = { hits: [], next: null }
    const inTitles = before === undefined || before.startsWith(TITLE)
    const cursor = before?.slice(1)
    if (inTitles && !(await findTitles(userId, query, { cursor, limit }, page))) return { ...page, complete }
    await findMessages(userId, query, { cursor: inTitles ? undefined : cursor, limit }, page)
    return { ...page, complete }
  })

  /** Reads in what this person has written since the last search; false where there is more than fits into the time. */
  async function readIn(userId: string): Promise<boolean> {
    const mark = markOf(userId)
    for (const until = performance.now() + READ_IN_MS; performance.now() < until;) {
      const more = await database.asUser(userId, async tx => {
        const messages = await takeUnread(tx, userId, { rules: RULES, most: BATCH })
        const last = messages.at(-1)
        if (!last) return false
        const pieces = messages.flatMap(message =>
          wordsOfText(mark, textOf(message)).map((words, piece) => ({ messageId: message.id, piece, version: message.version, words })),
        )
        await addWords(tx, pieces, last)
        return true
      })
      if (!more) return true
    }
    return false
  }

  /** True where the page has room for messages. */
  async function findTitles(
    userId: string,
    query: SearchQuery,
    { cursor, limit }: { cursor: string | undefined; limit: number },
    page: Page,
  ): Promise<boolean> {
    const place = cursor === undefined ? undefined : readCursor(cursor)
    for (let before = place && { updatedAt: place.number, id: place.id }; ;) {
      const from = before
      const titles = await database.readAsUser(userId, tx => listTitles(tx, { before: from, limit: TITLES }))
      for (const { id, title, life, updatedAt } of titles) {
        if (!hasPhrases(title, query)) continue
        const snippet = snippetOf(title, query.shown)
        page.hits.push({ conversationId: id, conversationTitle: title, messageId: null, role: null, at: updatedAt, life, snippet })
        if (page.hits.length < limit) continue
        page.next = TITLE + cursorOf(updatedAt, id)
        return false
      }
      if (titles.length < TITLES) return true
      before = titles.at(-1)
    }
  }

  async function findMessages(
    userId: string,
    query: SearchQuery,
    { cursor, limit }: { cursor: string | undefined; limit: number },
    page: Page,
  ): Promise<void> {
    const words = wordsOfQuery(markOf(userId), query)
    const isOrdered = query.phrases.some(phrase => phrase.words.length > 1)
    const place = cursor === undefined ? undefined : readCursor(cursor)
    let before = place && { version: place.number, id: place.id }
    for (let looked = 0; looked < MOST_MESSAGES; looked += MESSAGES) {
      const from = before
      const found = await database.readAsUser(userId, tx => findMessagesWith(tx, { words, before: from, limit: MESSAGES }))
      for (const { id, version, conversationId, conversationTitle, life, role, parts, createdAt, pieces } of found) {
        const text = pieces.map(piece => textOfPiece(textOf({ parts }), piece)).find(one => !isOrdered || hasPhrases(one, query))
        if (text === undefined) continue
        const snippet = snippetOf(text, query.shown)
        page.hits.push({ conversationId, conversationTitle, messageId: id, role, at: createdAt, life, snippet })
        if (page.hits.length < limit) continue
        page.next = MESSAGE + cursorOf(version, id)
        return
      }
      if (found.length < MESSAGES) return
      before = found.at(-1)
    }
    if (before) page.next = MESSAGE + cursorOf(before.version, before.id)
  }
}
