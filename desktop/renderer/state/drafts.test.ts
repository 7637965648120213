import { emptyDraft, idleTurn, useReplica, type Replica } from './replica.ts'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createStore } from 'zustand'
import { createDrafts } from './drafts.ts'
import { useView, type View } from './view.ts'

type Saved = { conversationId: string; draft: { text: string } }
const chat = 'chat'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function setUp(save: (saved: Saved) => Promise<object> = async () => ({})) {
  const view = createStore<View>(() => useView.getInitialState())
  const replica = createStore<Replica>(() => useReplica.getInitialState())
  const saved: string[] = []
  const drafts = createDrafts({
    view,
    replica,
    save: async input => {
      saved.push(input.draft.text)
      await save(input)
      return {}
    },
  })
  const type = (text: string) => drafts.change(chat, { text, attachments: [] })
  const told = (text: string) =>
    replica.setState({
      open: {
        id: chat,
        ready: true,
        conversation: null,
        path: [],
        draft: { text, attachments: [] },
        draftSettings: {},
        tellings: 1,
        turn: idleTurn,
        context: null,
      },
    })
  return { view, drafts, saved, type, told, typing: () => view.getState().typing[chat] }
}

test('what is typed is there at once and saved within 300 ms of the last letter, once', async () => {
  const { type, typing, saved } = setUp()
  type('H')
  type('Hi')
  expect([typing(), saved]).toEqual([{ text: 'Hi', attachments: [], saved: false }, []])
  await vi.advanceTimersByTimeAsync(300)
  expect([typing(), saved]).toEqual([{ text: 'Hi', attachments: [], saved: true }, ['Hi']])
})

test('a page that goes away saves at once', () => {
  const { type, drafts, saved } = setUp()
  type('Hi')
  drafts.flush()
  expect(saved).toEqual(['Hi'])
})

test('what the engine tells does not replace what is being typed, and does replace what is saved', async () => {
  const { type, told, typing } = setUp()
  told('')
  type('mine')
  told('of another window')
  expect(typing()?.text).toBe('mine')
  await vi.advanceTimersByTimeAsync(300)
  told('mine')
  told('newer, of another window')
  expect(typing()).toBeUndefined()
})

test('what this page saved comes back late without replacing what was typed and saved since, and so does what is older than it', async () => {
  const { type, told, typing } = setUp()
  told('')
  type('a')
  await vi.advanceTimersByTimeAsync(300)
  type('ab')
  await vi.advanceTimersByTimeAsync(300)
  for (const late of ['of another window', 'a', 'ab']) {
    told(late)
    expect(typing()).toEqual({ text: 'ab', attachments: [], saved: true })
  }
  told('newer, of another window')
  expect(typing()).toBeUndefined()
})

test('a save that fails is tried again until it is kept', async () => {
  let fails = 2
  const { type, saved, typing } = setUp(async () => {
    if (fails-- > 0) throw new Error('lost')
    return {}
  })
  type('Hi')
  await vi.advanceTimersByTimeAsync(10_000)
  expect([saved, typing()?.saved]).toEqual([['Hi', 'Hi', 'Hi'], true])
})

test('a draft that is too long waits until it was shortened, and would be lost with the page', async () => {
  const { type, drafts, saved } = setUp()
  type('x'.repeat(8_000_001))
  await vi.advanceTimersByTimeAsync(10_000)
  expect([saved.length, drafts.endangered(true)]).toEqual([0, true])
  type('short')
  await vi.advanceTimersByTimeAsync(300)
  expect([saved, drafts.endangered(true)]).toEqual([['short'], false])
})

test('a draft that was sent is not saved afterwards', async () => {
  const { type, drafts, saved, typing } = setUp()
  type('Hi')
  drafts.clear(chat)
  await vi.advanceTimersByTimeAsync(1000)
  expect([saved, typing()]).toEqual([[], { ...emptyDraft, saved: true }])
})
