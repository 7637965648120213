import type { Conversation } from '@fusion/shared/chat/conversation.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { expect, test } from 'vitest'
import { groupChats } from './group-chats.ts'

const now = new Date(2026, 10, 23, 9, 30)
const folder = { id: newId(), name: 'Work', createdAt: 0 }

function chat(title: string, at: Date, more: Partial<Conversation> = {}): Conversation {
  return {
    id: newId(),
    title,
    folderId: null,
    pinned: false,
    privacy: 'auto',
    settings: { modelId: null, systemPrompt: null, sampling: {}, keepState: true },
    headId: null,
    life: 'live',
    createdAt: at.getTime(),
    updatedAt: at.getTime(),
    ...more,
  }
}
const shown = (chats: Conversation[], folders = [folder]) =>
  Object.fromEntries(groupChats(chats, folders, now).map(group => [group.title, group.chats.map(each => each.title)]))

test('chats stand under the day on which something was last said, newest first', () => {
  expect(
    shown(
      [
        chat('early today', new Date(2026, 10, 23, 0, 1)),
        chat('now', now),
        chat('late yesterday', new Date(2026, 10, 22, 23, 59)),
        chat('monday', new Date(2026, 10, 16, 12)),
        chat('october', new Date(2026, 9, 30, 12)),
        chat('march', new Date(2026, 2, 3)),
        chat('long ago', new Date(2024, 4, 1)),
      ],
      [],
    ),
  ).toEqual({
    Today: ['now', 'early today'],
    Yesterday: ['late yesterday'],
    'Last week': ['monday'],
    'Last month': ['october'],
    March: ['march'],
    'May 2024': ['long ago'],
  })
})

test('pinned chats and folders come first, each chat stands once, and an empty folder stays', () => {
  const inFolder = { folderId: folder.id }
  expect(shown([chat('a', now), chat('b', now, inFolder), chat('c', now, { ...inFolder, pinned: true })])).toEqual({
    Pinned: ['c'],
    Work: ['b'],
    Today: ['a'],
  })
  expect(shown([])).toEqual({ Work: [] })
})

test('a chat in the trash is not shown, and one whose folder is gone stands with the others', () => {
  expect(shown([chat('gone', now, { life: 'trash' }), chat('homeless', now, { folderId: newId() })], [])).toEqual({ Today: ['homeless'] })
})
