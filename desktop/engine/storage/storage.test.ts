import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Message } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { openStorage, type Storage } from './storage.ts'

let folder: string
let storage: Storage
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fusion-storage-'))
  storage = openStorage({ folder })
})
afterEach(() => {
  storage.close()
  rmSync(folder, { recursive: true })
})

function question(conversationId: string, text: string, parentId: string | null = null): Message {
  return {
    id: newId(),
    conversationId,
    parentId,
    role: 'user',
    parts: [{ type: 'text', text }],
    status: 'complete',
    segments: [],
    finishReason: null,
    failure: null,
    leftOut: null,
    createdAt: Date.now(),
  }
}

test('an answer grows, is finished, and is found', () => {
  const { id } = storage.conversations.create({ id: storage.drafts.newConversationId(), title: 'Tea' })
  const asked = question(id, 'How long does green tea steep?')
  storage.messages.add(asked)
  const answer: Message = { ...question(id, '', asked.id), role: 'assistant', parts: [], status: 'growing' }
  storage.messages.begin(answer)
  storage.messages.grow(answer.id, 'text', 'Two ')
  storage.messages.grow(answer.id, 'text', 'minutes \ud83d')
  expect(storage.messages.growing()).toEqual([{ ...answer, parts: [{ type: 'text', text: 'Two minutes \ud83d' }] }])
  storage.messages.finish(answer.id, { status: 'complete', segments: [], finishReason: 'stop', failure: null, leftOut: null })
  storage.conversations.setHead(id, answer.id)
  expect(storage.messages.path(answer.id)).toEqual([
    { id: asked.id, role: 'user' },
    { id: answer.id, role: 'assistant' },
  ])
  expect(storage.search.find({ text: 'green te', limit: 10 }).hits.map(hit => hit.messageId)).toEqual([asked.id])
  expect(storage.messages.growing()).toEqual([])
})
