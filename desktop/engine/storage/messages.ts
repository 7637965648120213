import { Compile } from 'typebox/compile'
import { Message } from '@fusion/shared/chat/message.ts'
import type { PathEntry } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Connection } from './connection.ts'
import { parseJson, type Conversations } from './conversations.ts'
import { fold, type GrowthPart } from './fold.ts'
import type { Notices } from './notices.ts'
import { SEQ_PER_MS, type Place, type SearchIndex } from './search-index.ts'
import { isDamage } from './sqlite-failure.ts'
import { newestLeafUnder, pathTo, type TreeNode } from './tree.ts'

export type Finish = Pick<Message, 'status' | 'segments' | 'finishReason' | 'failure' | 'leftOut'>

export interface Messages {
  get(id: string): Message | undefined
  /** In the order asked for; those that are not there or unreadable are left out. */
  many(ids: readonly string[]): Message[]
  /** From the root to the head; empty for null or an unknown head. */
  path(headId: string | null): PathEntry[]
  newestLeaf(messageId: string): string | undefined
  /** All of the conversation, whatever the branch, oldest first. */
  idsOf(conversationId: string): string[]
  /** Oldest first; `parentId` null: the roots of the conversation. */
  childrenOf(parentId: string | null, conversationId: string): string[]
  /** Keeps a finished message, durably. */
  add(message: Message): void
  /** Keeps a message that will grow. */
  begin(message: Message): void
  /** Appends to the growing text. `event`: the event of the cloud that it came with; kept in the same write. */
  grow(id: string, part: GrowthPart, text: string, event?: number): void
  /** Keeps what is known of a growing answer: where it is made, and what its prompt left out; `generation`: what the cloud knows it as. */
  setReport(id: string, report: Pick<Message, 'segments' | 'leftOut'> & { generation?: string | undefined }): void
  /** What the cloud knows a growing answer as, and the newest event whose text is here (0: none); undefined for one that is made here. */
  generationOf(id: string): { generation: string; event: number } | undefined
  /** Ends the growing, durably. */
  finish(id: string, finish: Finish): Message
  /** Those that a crash left growing. */
  growing(): Message[]
}

interface Row {
  seq: number
  id: string
  conversation_id: string
  parent: string | null
  role: string
  status: string
  body: string
  created_at: number
}

/** 2200-01-01: leaves 48 years of whole numbers for what is written in the same milliseconds. */
const LAST_MS = Date.UTC(2200, 0, 1)

const readable = Compile(Message)

export function createMessages(
  connection: Connection,
  notices: Notices,
  index: SearchIndex,
  conversations: Pick<Conversations, 'get'>,
): Messages {
  const { sqlite, now, commit, commitLightly, read, whereSound, tell } = connection
  const columns = 'seq, msg.id, conv.id as conversation_id, parent, role, status, body, msg.created_at'
  const selectOne = sqlite.prepare<[string], Row>(`select ${columns} from msg join conv on conv.key = msg.conv where msg.id = ?`)
  const selectGrowing = sqlite.prepare<[], Row>(
    `select ${columns} from msg join conv on conv.key = msg.conv where status = 'growing' order by seq`,
  )
  const selectTree = sqlite.prepare<[string], TreeNode>(
    'select id, parent, role from msg where conv = (select conv from msg where id = ?) order by seq',
  )
  // The index alone tells the tree, also where the page of a message itself is damaged.
  const selectTreeByIndex = sqlite.prepare<[string], TreeNode>(
    `select id, parent, role from msg indexed by msg_tree
     where conv = (select conv from msg indexed by msg_tree where id = ?) order by conv, seq`,
  )
  const selectChildren = sqlite
    .prepare<[string, string], string>('select id from msg where parent = ? and conv = (select key from conv where id = ?) order by seq')
    .pluck()
  const selectRoots = sqlite
    .prepare<[string], string>('select id from msg where parent is null and conv = (select key from conv where id = ?) order by seq')
    .pluck()
  const selectIds = sqlite
    .prepare<[string], string>('select id from msg where conv = (select key from conv where id = ?) order by seq')
    .pluck()
  const selectKey = sqlite.prepare<[string], number>('select key from conv where id = ? and gone is null').pluck()
  const selectPlace = sqlite.prepare<[string], Place>(`select seq, conv, pieces from msg where id = ? and status = 'growing'`)
  const selectEnd = sqlite.prepare<[number], number>('select seq + pieces from msg where seq < ? order by seq desc limit 1').pluck()
  const insert = sqlite.prepare(
    `insert into msg (seq, pieces, id, conv, parent, role, status, body, created_at)
     values (:seq, :pieces, :id, :conv, :parent, :role, :status, :body, :createdAt)`,
  )
  const insertAttachment = sqlite.prepare('insert or ignore into msg_attachment (msg, hash) values (?, ?)')
  const touch = sqlite.prepare('update conv set updated_at = max(updated_at, ?) where key = ?')
  const update = sqlite.prepare('update msg set status = ?, body = ? where seq = ?')
  const insertGrowth = sqlite.prepare('insert into growth (msg, part, text, event) values (?, ?, ?, ?)')
  const selectGrowth = sqlite.prepare<[number], { part: GrowthPart; text: string }>(
    'select part, text from growth where msg = ? order by number',
  )
  const setGeneration = sqlite.prepare('update msg set gen = ? where seq = ?')
  const selectGeneration = sqlite.prepare<[string], { generation: string; event: number }>(
    `select gen as generation, coalesce((select max(growth.event) from growth where growth.msg = msg.seq), 0) as event
     from msg where id = ? and status = 'growing' and gen is not null`,
  )
  const deleteGrowth = sqlite.prepare('delete from growth where msg = ?')

  function growthOf(seq: number): { part: GrowthPart; text: string }[] {
    return selectGrowth.all(seq).flatMap(({ part, text }) => {
      const appended = parseJson(text)
      return typeof appended === 'string' ? [{ part, text: appended }] : []
    })
  }

  function parse(row: Row): Message | undefined {
    const body = parseJson(row.body)
    const message = {
      id: row.id,
      conversationId: row.conversation_id,
      parentId: row.parent,
      role: row.role,
      status: row.status,
      createdAt: row.created_at,
      ...(typeof body === 'object' ? body : undefined),
    }
    if (!readable.Check(message)) {
      notices.rowUnreadable('msg', row.seq)
      return undefined
    }
    if (message.status !== 'growing') return message
    return { ...message, parts: fold(message.parts, growthOf(row.seq)) }
  }

  function get(id: string): Message | undefined {
    return read(() => {
      const row = selectOne.get(id)
      return row && parse(row)
    })
  }

  /** One that lies on a damaged page does not hide the others. */
  function getReadable(id: string): Message | undefined {
    try {
      return get(id)
    } catch (error) {
      if (!isDamage(error)) throw error
      notices.rowUnreadable('msg', id)
      return undefined
    }
  }

  function treeOf(id: string): TreeNode[] {
    return whereSound(null, () => selectTree.all(id)) ?? read(() => selectTreeByIndex.all(id))
  }

  /** The first free rows at or after the message's time, or the latest time there is a number for where a clock is off by centuries. */
  function seqFor(createdAt: number, pieces: number): number {
    for (let ms = Math.min(Math.max(createdAt, 0), LAST_MS); ; ms++) {
      const seq = Math.max(ms * SEQ_PER_MS, selectEnd.get((ms + 1) * SEQ_PER_MS) ?? 0)
      if (seq + pieces <= (ms + 1) * SEQ_PER_MS) return seq
    }
  }

  function put(message: Message): void {
    if (!readable.Check(message)) throw failure('bad-input')
    const conv = selectKey.get(message.conversationId)
    if (conv === undefined) throw failure('not-found')
    const pieces = index.piecesOf(message)
    const seq = seqFor(message.createdAt, pieces)
    insert.run({
      seq,
      pieces,
      id: message.id,
      conv,
      parent: message.parentId,
      role: message.role,
      status: message.status,
      body: bodyOf(message),
      createdAt: message.createdAt,
    })
    for (const part of message.parts) if (part.type === 'attachment') insertAttachment.run(seq, part.hash)
    touch.run(message.createdAt, conv)
    if (message.status !== 'growing') index.addMessage({ seq, conv, pieces }, message)
    tell({ type: 'message-changed', message })
    tellConversation(message.conversationId)
  }

  function tellConversation(id: string): void {
    const conversation = conversations.get(id)
    if (conversation) tell({ type: 'conversation-changed', conversation })
  }

  function growingPlace(id: string): Place {
    const place = selectPlace.get(id)
    if (!place) throw failure('not-found')
    return place
  }

  return {
    get,
    many: ids => ids.flatMap(id => getReadable(id) ?? []),
    path: headId => (headId === null ? [] : pathTo(treeOf(headId), headId)),
    newestLeaf: messageId => newestLeafUnder(treeOf(messageId), messageId),
    childrenOf: (parentId, conversationId) =>
      read(() => (parentId === null ? selectRoots.all(conversationId) : selectChildren.all(parentId, conversationId))),
    idsOf: conversationId => read(() => selectIds.all(conversationId)),
    add: message => commit(() => put(message)),
    begin: message => commit(() => put(message)),
    grow(id, part, text, event) {
      commitLightly(() => insertGrowth.run(growingPlace(id).seq, part, JSON.stringify(text), event ?? null))
    },
    generationOf: id => read(() => selectGeneration.get(id)),
    setReport(id, { segments, leftOut, generation }) {
      commitLightly(() => {
        const { seq } = growingPlace(id)
        const row = selectOne.get(id)!
        const body = parseJson(row.body)
        update.run('growing', JSON.stringify({ ...(typeof body === 'object' ? body : undefined), segments, leftOut }), seq)
        if (generation !== undefined) setGeneration.run(generation, seq)
      })
    },
    finish(id, finish) {
      return commit(() => {
        const place = growingPlace(id)
        const message = get(id)
        if (!message) throw failure('not-found')
        const finished: Message = { ...message, ...finish }
        if (!readable.Check(finished) || finished.status === 'growing') throw failure('bad-input')
        update.run(finished.status, bodyOf(finished), place.seq)
        deleteGrowth.run(place.seq)
        touch.run(now(), place.conv)
        index.addMessage(place, finished)
        tell({ type: 'message-changed', message: finished })
        tellConversation(finished.conversationId)
        return finished
      })
    },
    growing: () => read(() => selectGrowing.all().flatMap(row => parse(row) ?? [])),
  }
}

/** JSON escapes lone surrogates and NUL, so that every text comes back as it was given. */
function bodyOf({ parts, segments, finishReason, failure, leftOut }: Message): string {
  return JSON.stringify({ parts, segments, finishReason, failure, leftOut })
}
