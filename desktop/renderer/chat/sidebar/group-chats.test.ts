import type { Conversation } from '@fusion/shared/chat/conversation.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { expect, test } from 'vitest'
import { groupChats } from './group-chats.ts'

const now = new Date(2026, 10, 23, 9, 30)

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
const shown = (chats: Conversation[]) =>
  Object.fromEntries(groupChats(chats, [], now).map(group => [group.title, group.chats.map(each => each.title)]))

test('chats stand under the day on which something was last said, newest first', () => {
  expect(
    shown([
      chat('early today', new Date(2026, 10, 23, 0, 1)),
      chat('now', now),
      chat('late yesterday', new Date(2026, 10, 22, 23, 59)),
      chat('monday', new Date(2026, 10, 16, 12)),
      chat('october', new Date(2026, 9, 30, 12)),
      chat('march', new Date(2026, 2, 3)),
      chat('long ago', new Date(2024, 4, 1)),
    ]),
  ).toEqual({
    Today: ['now', 'early today'],
    Yesterday: ['late yesterday'],
    'Last week': ['monday'],
    'Last month': ['october'],
    March: ['march'],
    'May 2024': ['long ago'],
  })
})

test('pinned chats come first, then those of today, folders by name, and the older ones; an empty folder stays', () => {
  const folders = ['Folder 10', 'Folder 2'].map(name => ({ id: newId(), name, createdAt: 0 }))
  const filed = { folderId: folders[1]!.id }
  const chats = [chat('a', now), chat('b', now, filed), chat('c', now, { ...filed, pinned: true }), chat('d', new Date(2026, 10, 22))]
  expect(groupChats(chats, folders, now).map(group => [group.title, ...group.chats.map(each => each.title)])).toEqual([
    ['Pinned', 'c'],
    ['Today', 'a'],
    ['Folder 2', 'b'],
    ['Folder 10'],
    ['Yesterday', 'd'],
  ])
})

test('a chat in the trash is not shown, and one whose folder is gone stands with the others', () => {
  expect(shown([chat('gone', now, { life: 'trash' }), chat('homeless', now, { folderId: newId() })])).toEqual({ Today: ['homeless'] })
})
