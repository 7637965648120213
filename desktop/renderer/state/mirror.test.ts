import type { Conversation } from '@fusion/shared/chat/conversation.ts'
import type { Message } from '@fusion/shared/chat/message.ts'
import type { ApiState } from '@fusion/shared/contract/api.ts'
import { type ChatEvent, engineContract, type EngineContract, type ListEvent } from '@fusion/shared/contract/engine.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { defaultSettings } from '@fusion/shared/contract/settings.ts'
import type { Handlers } from '@fusion/shared/rpc/contract.ts'
import { createLink } from '@fusion/shared/rpc/link.ts'
import { messagePort } from '@fusion/shared/rpc/message-port.ts'
import { serve } from '@fusion/shared/rpc/serve.ts'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createStore } from 'zustand'
import { createMessageShelf } from './messages.ts'
import { createMirror } from './mirror.ts'
import { emptyDraft, idleTurn, useReplica } from './replica.ts'

const conversation = (title: string): Conversation => ({
  id: newId(),
  title,
  folderId: null,
  pinned: false,
  privacy: 'auto',
  settings: { modelId: null, systemPrompt: null, sampling: {}, keepState: true },
  headId: null,
  life: 'live',
  createdAt: 0,
  updatedAt: 0,
})

const closedApi: ApiState = {
  address: null,
  always: false,
  failure: null,
  keys: [],
  environmentKey: false,
  running: 0,
  waiting: 0,
  tokensPerSecond: 0,
  models: [],
}

/** The contract's streams, told by the test, over real ports that can be lost. */
function setUp(list: () => ListEvent[], chat: () => ChatEvent[] = () => []) {
  const told = { list: (_: ListEvent) => {}, chat: (_: ChatEvent) => {} }
  async function* tell<T>(first: T[], name: 'list' | 'chat', signal: AbortSignal): AsyncGenerator<T, void, void> {
    yield* first
    let wake = Promise.withResolvers<T | null>()
    told[name] = event => wake.resolve(event as T)
    signal.addEventListener('abort', () => wake.resolve(null))
    for (let next = await wake.promise; next !== null; next = await wake.promise) {
      wake = Promise.withResolvers()
      yield next
    }
  }
  const forever = (signal: AbortSignal) => new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
  const handlers = {
    app: {
      async *watch(_: object, signal: AbortSignal) {
        yield { version: '1', contractVersion: 1, dataFolder: '/x', notices: [] }
        await forever(signal)
      },
    },
    settings: {
      async *watch(_: object, signal: AbortSignal) {
        yield defaultSettings
        await forever(signal)
      },
    },
    models: {
      async *watch(_: object, signal: AbortSignal) {
        yield { entries: [], arrivals: [] }
        await forever(signal)
      },
    },
    account: {
      async *watch(_: object, signal: AbortSignal) {
        yield { signedIn: null, lastAddress: null, models: [], failure: null }
        await forever(signal)
      },
    },
    api: {
      async *watch(_: object, signal: AbortSignal) {
        watchers++
        try {
          yield { ...closedApi, running: watchers }
          await forever(signal)
        } finally {
          watchers--
        }
      },
    },
    chats: {
      list: (_: object, signal: AbortSignal) => tell(list(), 'list', signal),
      open: (_: object, signal: AbortSignal) => tell(chat(), 'chat', signal),
    },
  } as unknown as Handlers<EngineContract>
  let lose = () => {}
  let watchers = 0
  const link = createLink(
    engineContract,
    async () => {
      const { port1, port2 } = new MessageChannel()
      const engine = messagePort(port1)
      serve(engineContract, handlers, engine)
      lose = () => engine.close()
      return messagePort(port2)
    },
    { backOffMs: () => 1 },
  )
  const store = createStore(() => useReplica.getInitialState())
  const shelf = createMessageShelf()
  const failures: unknown[] = []
  const mirror = createMirror({ link, store, shelf, onFailure: error => failures.push(error), schedule: callback => callback() })
  onTestFinished(() => {
    mirror.close()
    link.close()
  })
  return {
    store,
    shelf,
    mirror,
    failures,
    told,
    /** How many streams of the local API the engine tells. */
    watchers: () => watchers,
    lose: () => lose(),
    until: (check: () => void) => vi.waitFor(check, { timeout: 20_000 }),
  }
}

const complete: ListEvent = { type: 'list-complete', folders: [], newConversationId: newId() }

test('the list is gathered from its parts and follows each change', async () => {
  const [a, b] = [conversation('a'), conversation('b')]
  const { store, told, until } = setUp(() => [
    { type: 'list-part', conversations: [a] },
    { type: 'list-part', conversations: [b] },
    complete,
  ])
  await until(() => expect(store.getState()).toMatchObject({ listComplete: true, chats: { [a.id]: a, [b.id]: b } }))
  told.list({ type: 'conversation-changed', conversation: { ...a, title: 'renamed' } })
  await until(() => expect(store.getState().chats[a.id]!.title).toBe('renamed'))
  told.list({ type: 'conversation-gone', conversationId: b.id })
  await until(() => expect(Object.keys(store.getState().chats)).toEqual([a.id]))
})

test('after a lost connection the list is what the engine says then, with nothing left over', async () => {
  const [a, b] = [conversation('a'), conversation('b')]
  let present = [a, b]
  const { store, lose, until } = setUp(() => [{ type: 'list-part', conversations: present }, complete])
  await until(() => expect(store.getState().listComplete).toBe(true))
  present = [b]
  const states: string[] = []
  store.subscribe(({ connection }) => states.push(connection))
  lose()
  await until(() => expect(Object.keys(store.getState().chats)).toEqual([b.id]))
  expect(states).toEqual(expect.arrayContaining(['lost', 'online']))
})

test('a list that was cut off in its middle begins anew', async () => {
  const [a, b] = [conversation('a'), conversation('b')]
  let events: ListEvent[] = [{ type: 'list-part', conversations: [a] }]
  const { store, lose, until } = setUp(() => events)
  await until(() => expect(Object.keys(store.getState().chats)).toEqual([a.id]))
  events = [{ type: 'list-part', conversations: [b] }, complete]
  lose()
  await until(() => expect(store.getState().listComplete).toBe(true))
  expect(Object.keys(store.getState().chats)).toEqual([b.id])
})

test('an answer that grows is written into its message, and its end into the turn', async () => {
  const chat = conversation('a')
  const answer: Message = {
    id: newId(),
    conversationId: chat.id,
    parentId: null,
    role: 'assistant',
    parts: [],
    status: 'growing',
    segments: [],
    finishReason: null,
    failure: null,
    leftOut: null,
    createdAt: 0,
  }
  const { store, shelf, mirror, told, failures, until } = setUp(
    () => [complete],
    () => [
      {
        type: 'chat-opened',
        conversation: chat,
        path: [],
        messages: [],
        draft: emptyDraft,
        draftSettings: {},
        turn: idleTurn,
        context: null,
      },
      { type: 'path-grown', entry: { id: answer.id, role: 'assistant' } },
      { type: 'message-changed', message: answer },
      { type: 'text-delta', messageId: answer.id, part: 'text', at: 0, text: 'Hello' },
    ],
  )
  mirror.openChat(chat.id)
  await until(() => expect(shelf.get(answer.id)?.parts).toEqual([{ type: 'text', text: 'Hello' }]))
  expect(store.getState().open).toMatchObject({ ready: true, path: [{ id: answer.id }] })
  told.chat({ type: 'message-changed', message: { ...answer, status: 'complete', parts: [{ type: 'text', text: 'Hello.' }] } })
  await until(() => expect(shelf.get(answer.id)).toMatchObject({ status: 'complete', parts: [{ text: 'Hello.' }] }))
  expect(failures).toEqual([])
})

test('a chat that was left is not written into the one that is open now', async () => {
  const [a, b] = [conversation('a'), conversation('b')]
  const { store, mirror, until } = setUp(() => [complete])
  mirror.openChat(a.id)
  mirror.openChat(b.id)
  await until(() => expect(store.getState().listComplete).toBe(true))
  expect(store.getState().open).toMatchObject({ id: b.id, ready: false })
})

test('the local API is followed while its view is shown, also over a lost connection, and no longer', async () => {
  const { store, mirror, failures, watchers, lose, until } = setUp(() => [complete])
  await until(() => expect(store.getState().listComplete).toBe(true))
  expect([watchers(), store.getState().api]).toEqual([0, null])
  mirror.showServer(true)
  mirror.showServer(true)
  await until(() => expect(store.getState().api).toEqual({ ...closedApi, running: 1 }))
  store.setState({ api: null })
  lose()
  await until(() => expect(store.getState().api).toEqual({ ...closedApi, running: 1 }))
  mirror.showServer(false)
  await until(() => expect(watchers()).toBe(0))
  mirror.showServer(true)
  await until(() => expect(watchers()).toBe(1))
  mirror.close()
  await until(() => expect(watchers()).toBe(0))
  expect(failures).toEqual([])
})
