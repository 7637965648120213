import { expect, test } from 'vitest'
import { newId } from '@fusion/shared/contract/ids.ts'
import { defaultSettings } from '@fusion/shared/contract/settings.ts'
import type { StorageChange } from './changes.ts'
import { aMessage } from './testing/a-message.ts'
import { openTestStorage } from './testing/test-storage.ts'

test('a chat keeps all that is set on it over a restart', () => {
  const { storage, reopen } = openTestStorage({ now: () => 1_700_000_000_000 })
  const folder = storage.folders.add('Kitchen')
  const { id } = storage.conversations.create({ id: newId(), title: 'Tea' })
  storage.conversations.rename(id, 'Green tea')
  storage.conversations.pin(id, true)
  storage.conversations.moveToFolder(id, folder.id)
  storage.conversations.setPrivacy(id, 'local-only')
  storage.conversations.setPrivacy(id, 'ask')
  storage.conversations.setSettings(id, { sampling: { temperature: 0.5 }, systemPrompt: 'Be brief.' })
  storage.conversations.setSettings(id, { keepState: false, modelId: 'abc' })
  storage.conversations.trash(id)
  storage.conversations.restore(id)
  expect(reopen().conversations.get(id)).toEqual({
    id,
    title: 'Green tea',
    folderId: folder.id,
    pinned: true,
    privacy: 'ask',
    settings: { modelId: 'abc', systemPrompt: 'Be brief.', sampling: { temperature: 0.5 }, keepState: false },
    headId: null,
    life: 'live',
    createdAt: 1_700_000_000_000,
    updatedAt: 1_700_000_000_000,
  })
})

test('the chat in which something was said last comes first', () => {
  let now = 1_700_000_000_000
  const { storage } = openTestStorage({ now: () => ++now })
  const [tea, coffee] = ['Tea', 'Coffee'].map(title => storage.conversations.create({ id: newId(), title }).id) as [string, string]
  expect(storage.conversations.all().map(({ id }) => id)).toEqual([coffee, tea])
  storage.messages.add({ ...aMessage(tea, 'hello'), createdAt: ++now })
  expect(storage.conversations.all().map(({ id }) => id)).toEqual([tea, coffee])
})

test('limits of the schemas hold, and nothing is changed by what is refused', () => {
  const { storage } = openTestStorage()
  const { id } = storage.conversations.create({ id: newId(), title: 'Tea' })
  const bad = expect.objectContaining({ code: 'bad-input' })
  expect(() => storage.conversations.rename(id, '')).toThrow(bad)
  expect(() => storage.conversations.rename(id, 'x'.repeat(201))).toThrow(bad)
  expect(() => storage.conversations.setSettings(id, { sampling: { temperature: 3 } })).toThrow(bad)
  expect(() => storage.conversations.create({ id: 'no id', title: 'x' })).toThrow(bad)
  expect(() => storage.folders.add('')).toThrow(bad)
  expect(() => storage.settings.set({ threads: 0 })).toThrow(bad)
  expect(() => storage.conversations.rename(newId(), 'x')).toThrow(expect.objectContaining({ code: 'not-found' }))
  expect(storage.conversations.all().map(({ title }) => title)).toEqual(['Tea'])
  expect(storage.folders.all()).toEqual([])
})

test('removing a folder leaves its chats, outside any folder', () => {
  const { storage } = openTestStorage()
  const folder = storage.folders.add('Kitchen')
  storage.folders.rename(folder.id, 'Cuisine')
  expect(storage.folders.all()).toEqual([{ ...folder, name: 'Cuisine' }])
  const { id } = storage.conversations.create({ id: newId(), title: 'Tea', folderId: folder.id })
  const told: StorageChange[] = []
  storage.onChange(change => told.push(change))
  storage.folders.remove(folder.id)
  expect(storage.conversations.get(id)!.folderId).toBe(null)
  expect(told.map(change => change.type)).toEqual(['conversation-changed', 'folder-gone'])
})

test('drafts, their settings and the id of the next chat survive a restart', () => {
  const { storage, reopen } = openTestStorage()
  const next = storage.drafts.newConversationId()
  const draft = { text: 'half a \ud83d', attachments: [storage.attachments.add('a.txt', 'A')] }
  storage.drafts.set(next, draft)
  storage.drafts.setSettings(next, { keepState: false })
  storage.drafts.setSettings(next, { modelId: 'abc' })
  const again = reopen()
  expect(again.drafts.newConversationId()).toBe(next)
  expect(again.drafts.get(next)).toEqual(draft)
  expect(again.drafts.getSettings(next)).toEqual({ keepState: false, modelId: 'abc' })
  again.drafts.setSettings(next, null)
  again.drafts.set(next, { text: '', attachments: [] })
  expect(again.drafts.get(next)).toEqual({ text: '', attachments: [] })
  expect(again.drafts.renewNewConversationId()).not.toBe(next)
})

test('a draft keeps its attachment from being collected, and nothing else does', () => {
  let now = 1_700_000_000_000
  const { storage, reopen } = openTestStorage({ now: () => now })
  const named = storage.attachments.add('a.txt', 'A')
  const loose = storage.attachments.add('b.txt', 'B')
  storage.drafts.set(newId(), { text: '', attachments: [named] })
  now += 2 * 24 * 60 * 60 * 1000
  const again = reopen()
  expect(again.attachments.read(named.hash)).toBe('A')
  expect(again.attachments.read(loose.hash)).toBeUndefined()
})

test('settings are merged over the defaults, and a damaged one does not take the others along', async () => {
  const { folder, storage, reopen } = openTestStorage()
  storage.settings.set({ theme: 'dark', threads: 4 })
  storage.close()
  const { default: Database } = await import('better-sqlite3')
  const sqlite = new Database(`${folder}/fusion.db`)
  sqlite.prepare(`update setting set value = '-4' where name = 'threads'`).run()
  sqlite.close()
  expect(reopen().settings.all()).toEqual({ ...defaultSettings, theme: 'dark' })
})

test('model files and states are remembered', () => {
  const { storage, reopen } = openTestStorage({ now: () => 9 })
  const file = {
    name: 'Guide',
    architecture: 'llama',
    quantization: 'Q4_K_M',
    parameters: 5,
    trainedContextTokens: 2048,
    hasTemplate: true,
    bytes: 3,
  }
  const model = { id: 'a'.repeat(64), path: '/models/a.gguf', file, source: 'found' as const, bytes: 3, mtimeMs: 1.5 }
  storage.models.put(model)
  const state = { conversationId: newId(), modelId: model.id, file: 'x.state', bytes: 10, tokens: 2, usedAt: 1 }
  storage.states.put(state)
  storage.states.touch(state.conversationId, model.id)
  const again = reopen()
  expect(again.models.all()).toEqual([model])
  expect(again.states.get(state.conversationId, model.id)).toEqual({ ...state, usedAt: 9 })
  expect(again.states.remove(state.conversationId)).toEqual(['x.state'])
  expect(again.states.all()).toEqual([])
  again.models.remove(model.id)
  expect(again.models.all()).toEqual([])
})
