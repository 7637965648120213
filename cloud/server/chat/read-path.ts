// The path of a conversation that a question stands at the end of, as a model reads it.
import { type Message, textOf } from '@fusion/shared/chat/message.ts'
import { promptText } from '@fusion/shared/chat/prompt-text.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Database } from '../../database/connection.ts'
import { countPathUp, type MessageRow, readPathUp } from '../../database/messages.ts'
import type { Objects } from '../objects/objects.ts'
import { readAttachmentText } from './read-attachment-text.ts'

export interface PathMessage {
  role: Message['role']
  text: string
  /** How many messages of the path it was made without. */
  leftOut: number
}

export interface HistoryPath {
  /** From the oldest that was read to the question. */
  messages: PathMessage[]
  /** How many stand before them. */
  older: number
}

const PAGE = 200
/** As many as a planned prompt may have. */
const MOST_MESSAGES = 10_000

/**
 * Reads back from the question until there is more than any window could hold. Throws `not-found` where the question is not there (any more),
 * `file-unreadable` where a file that belongs to it can't be read; of an older message, the model is told that it is missing.
 */
export async function readPath(
  { database, objects }: { database: Database; objects: Objects },
  {
    userId,
    conversationId,
    questionId,
    mostCharacters,
  }: { userId: string; conversationId: string; questionId: string; mostCharacters: number },
): Promise<HistoryPath> {
  const messages: PathMessage[] = []
  let older = 0
  let characters = 0
  let from: string | null = questionId
  while (from) {
    const page = { conversationId, from, limit: PAGE, isPart: true }
    const rows: MessageRow[] = await database.readAsUser(userId, tx => readPathUp(tx, userId, page))
    from = rows.at(-1)?.parentId ?? null
    for (const row of rows) {
      if (characters >= mostCharacters || messages.length >= MOST_MESSAGES) {
        older = await database.readAsUser(userId, tx => countPathUp(tx, userId, { conversationId, from: row.id }))
        from = null
        break
      }
      const text = row.role === 'user' ? await textWithFiles(row, messages.length === 0) : textOf(row)
      characters += text.length
      messages.push({ role: row.role, text, leftOut: row.leftOut?.messages ?? 0 })
    }
  }
  if (messages.length === 0) throw failure('not-found')
  return { messages: messages.toReversed(), older }

  async function textWithFiles(message: Message, isQuestion: boolean): Promise<string> {
    const files = new Map<string, string>()
    for (const part of message.parts) {
      if (part.type !== 'attachment' || files.has(part.hash)) continue
      const content = await readAttachmentText(objects, userId, part.hash)
      if (content !== undefined) files.set(part.hash, content)
      else if (isQuestion) throw failure('file-unreadable', { file: part.name })
    }
    return promptText(message, hash => files.get(hash))
  }
}
