import { textOf, type Message } from '@fusion/shared/chat/message.ts'
import type { SearchHit } from '@fusion/shared/contract/engine.ts'
import type { Connection } from './connection.ts'
import { parseJson } from './conversations.ts'
import { segmentText } from './segment-text.ts'
import { snippetOf } from './snippet.ts'

export interface SearchPage {
  hits: SearchHit[]
  /** Where to go on; null: there is no more. */
  next: string | null
}

export interface Search {
  find(query: { text: string; folderId?: string; before?: string; limit: number }): SearchPage
  /** Called in the transaction that changes a title. Undefined: there is none before, or none after. */
  titleChanged(key: number, before: string | undefined, after: string | undefined): void
  /** Called in the transaction that keeps a finished message. */
  messageFinished(seq: number, message: Message): void
}

interface Hit {
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

export function createSearch(connection: Connection): Search {
  const { sqlite, read } = connection
  const insertMessage = sqlite.prepare('insert into msg_search (rowid, words) values (?, ?)')
  const insertTitle = sqlite.prepare('insert into title_search (rowid, words) values (?, ?)')
  const removeTitle = sqlite.prepare(`insert into title_search (title_search, rowid, words) values ('delete', ?, ?)`)
  const findMessages = sqlite.prepare<[string, number, string | null, number], Hit>(
    `select seq, conv.id as conversation_id, title, msg.id, role, body, msg.created_at, life
     from msg_search join msg on msg.seq = msg_search.rowid join conv on conv.key = msg.conv
     where words match ? and msg_search.rowid < ? and conv.folder is coalesce(?, conv.folder)
     order by msg_search.rowid desc limit ?`,
  )
  const findTitles = sqlite.prepare<[string, string | null, number], TitleHit>(
    `select key, id, title, life, updated_at from title_search join conv on conv.key = title_search.rowid
     where words match ? and gone is null and folder is coalesce(?, folder)
     order by title_search.rowid desc limit ?`,
  )

  return {
    find({ text, folderId, before, limit }) {
      const match = matchOf(text)
      if (match === '') return { hits: [], next: null }
      return read(() => {
        const folder = folderId ?? null
        const titles = before === undefined ? findTitles.all(match, folder, limit) : []
        const position = before === undefined || !/^\d{1,16}$/.test(before) ? Number.MAX_SAFE_INTEGER : Number(before)
        const messages = findMessages.all(match, position, folder, limit + 1)
        const more = messages.length > limit
        const shown = messages.slice(0, limit)
        return {
          hits: [
            ...titles.map(hit => ({
              conversationId: hit.id,
              conversationTitle: hit.title,
              messageId: null,
              role: null,
              at: hit.updated_at,
              life: hit.life,
              snippet: snippetOf(hit.title, text),
            })),
            ...shown.map(hit => ({
              conversationId: hit.conversation_id,
              conversationTitle: hit.title,
              messageId: hit.id,
              role: hit.role,
              at: hit.created_at,
              life: hit.life,
              snippet: snippetOf(searchedText(parseJson(hit.body) as Pick<Message, 'parts'>), text),
            })),
          ],
          next: more ? String(shown.at(-1)!.seq) : null,
        }
      })
    },
    titleChanged(key, before, after) {
      if (before !== undefined) removeTitle.run(key, segmentText(before).join(' '))
      if (after !== undefined) insertTitle.run(key, segmentText(after).join(' '))
    },
    messageFinished(seq, message) {
      const found = segmentText(searchedText(message))
      if (found.length > 0) insertMessage.run(seq, found.join(' '))
    },
  }
}

/** What is searched of a message: its text and the names of its attachments, not its reasoning. */
export function searchedText(message: Pick<Message, 'parts'>): string {
  return [textOf(message), ...message.parts.flatMap(part => (part.type === 'attachment' ? [part.name] : []))].join('\n')
}

/** All words of the query in any place, those in quotes side by side, the last one as a beginning. Never FTS syntax: words are letters and digits. */
function matchOf(text: string): string {
  const phrases: string[] = []
  const pieces = text.split('"')
  for (const [index, piece] of pieces.entries()) {
    // An odd piece stands in quotes, if these are closed.
    const quoted = index % 2 === 1 && index < pieces.length - 1
    const found = quoted ? [piece] : piece.split(/\s+/)
    for (const phrase of found) {
      const words = segmentText(phrase)
      if (words.length === 0) continue
      const last = !quoted && index === pieces.length - 1 && phrase === found.at(-1)
      phrases.push(`"${words.join(' ')}"${last ? '*' : ''}`)
    }
  }
  return phrases.join(' ')
}
