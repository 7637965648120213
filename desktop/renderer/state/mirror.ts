import type { Conversation, Folder } from '@fusion/shared/chat/conversation.ts'
import type { ChatEvent, EngineContract, ListEvent } from '@fusion/shared/contract/engine.ts'
import type { Link } from '@fusion/shared/rpc/link.ts'
import type { StoreApi } from 'zustand'
import { createDeltaBatch, withNextFrame } from './delta-batch.ts'
import type { MessageShelf } from './messages.ts'
import { emptyDraft, idleTurn, type OpenChat, type Replica } from './replica.ts'

export type ReplicaStore = Pick<StoreApi<Replica>, 'getState' | 'setState'>

export interface MirrorOptions {
  link: Link<EngineContract>
  store: ReplicaStore
  shelf: MessageShelf
  /** A subscription ended with a failure that a new port does not mend. */
  onFailure: (error: unknown) => void
  schedule?: (callback: () => void) => void
}

export interface Mirror {
  /** Mirrors this chat in place of the one before. */
  openChat(conversationId: string): void
  /** Mirrors the local API or no longer: its figures change by the second, for whoever looks. */
  showServer(shown: boolean): void
  close(): void
}

/** Subscribes to the engine and keeps the replica like it, over lost and found connections. */
export function createMirror({ link, store, shelf, onFailure, schedule = withNextFrame }: MirrorOptions): Mirror {
  const closing = new AbortController()
  let chatClosing = new AbortController()
  let serverClosing: AbortController | null = null

  const follow = <T>(open: Parameters<typeof link.subscribe<T>>[0], onItem: (item: T) => void, signal = closing.signal) =>
    void link.subscribe(open, onItem, { signal }).catch(onFailure)

  link.onState(connection => store.setState({ connection }))
  follow(
    (client, options) => client.app.watch({}, options),
    app => store.setState({ app }),
  )
  follow(
    (client, options) => client.settings.watch({}, options),
    settings => store.setState({ settings }),
  )
  follow(
    (client, options) => client.models.watch({}, options),
    models => store.setState({ models }),
  )
  follow(
    (client, options) => client.account.watch({}, options),
    account => store.setState({ account }),
  )

  let gathering: Record<string, Conversation> | null = null
  follow((client, options) => {
    gathering = {}
    return client.chats.list({}, options)
  }, listEvent)

  function listEvent(event: ListEvent): void {
    const { chats, folders, listComplete } = store.getState()
    switch (event.type) {
      case 'list-part':
        for (const conversation of event.conversations) (gathering ??= {})[conversation.id] = conversation
        // The first list is shown as it comes; after a reconnection the old one stays until the new one is whole.
        if (!listComplete) store.setState({ chats: { ...gathering } })
        return
      case 'list-complete':
        store.setState({
          chats: gathering ?? {},
          folders: Object.fromEntries(event.folders.map(folder => [folder.id, folder])),
          newConversationId: event.newConversationId,
          listComplete: true,
        })
        gathering = null
        return
      case 'conversation-changed':
        return store.setState({ chats: { ...chats, [event.conversation.id]: event.conversation } })
      case 'conversation-gone':
        return store.setState({ chats: without(chats, event.conversationId) })
      case 'folder-changed':
        return store.setState({ folders: { ...folders, [event.folder.id]: event.folder } })
      case 'folder-gone':
        return store.setState({ folders: without<Folder>(folders, event.folderId) })
      case 'new-conversation':
        return store.setState({ newConversationId: event.newConversationId })
      case 'answering':
        return store.setState({ answering: new Set(event.conversationIds) })
    }
  }

  function openChat(conversationId: string): void {
    chatClosing.abort()
    chatClosing = new AbortController()
    const { signal } = chatClosing
    shelf.clear()
    store.setState({
      open: {
        id: conversationId,
        ready: false,
        conversation: null,
        path: [],
        draft: emptyDraft,
        draftSettings: {},
        tellings: 0,
        turn: idleTurn,
        context: null,
      },
    })
    const change = (part: Partial<OpenChat>) => {
      const { open } = store.getState()
      if (open?.id === conversationId) store.setState({ open: { ...open, ...part } })
    }
    const readAnew = async (messageId: string) => {
      const client = await link.client({ signal })
      const { messages } = await client.chats.messages({ conversationId, ids: [messageId] }, { signal })
      for (const message of messages) shelf.put(message)
    }
    const batch = createDeltaBatch({
      shelf,
      schedule,
      onGap: id => void readAnew(id).catch((error: unknown) => !signal.aborted && onFailure(error)),
    })
    const chatEvent = (event: ChatEvent): void => {
      if (signal.aborted) return
      switch (event.type) {
        case 'chat-opened':
          shelf.clear(message => message.status !== 'growing')
          for (const message of event.messages) shelf.put(message)
          return change({
            ready: true,
            conversation: event.conversation,
            path: event.path,
            draft: event.draft,
            draftSettings: event.draftSettings,
            tellings: (store.getState().open?.tellings ?? 0) + 1,
            turn: event.turn,
            context: event.context,
          })
        case 'conversation-changed':
          return change({ conversation: event.conversation })
        case 'path-changed':
          return change({ path: event.path })
        case 'path-grown':
          return change({ path: [...(store.getState().open?.path ?? []), event.entry] })
        case 'message-changed':
          batch.drop(event.message.id)
          return shelf.put(event.message)
        case 'text-delta':
          return batch.add(event)
        case 'segment-changed': {
          batch.flush()
          const message = shelf.get(event.messageId)
          if (!message) return
          const others = message.segments.filter(segment => segment.from !== event.segment.from)
          return shelf.put({ ...message, segments: [...others, event.segment].toSorted((a, b) => a.from - b.from) })
        }
        case 'turn-changed':
          return change({ turn: event.turn })
        case 'context-changed':
          return change({ context: event.context })
        case 'draft-changed':
          return change({ draft: event.draft })
        case 'draft-settings-changed':
          return change({ draftSettings: event.draftSettings })
        case 'conversation-gone':
          return change({ conversation: null, path: [], turn: idleTurn, context: null })
      }
    }
    follow((client, options) => client.chats.open({ conversationId }, options), chatEvent, signal)
  }

  function showServer(shown: boolean): void {
    if (shown === (serverClosing !== null)) return
    serverClosing?.abort()
    serverClosing = shown ? new AbortController() : null
    if (!serverClosing) return
    follow(
      (client, options) => client.api.watch({}, options),
      api => store.setState({ api }),
      serverClosing.signal,
    )
  }

  return {
    openChat,
    showServer,
    close() {
      serverClosing?.abort()
      chatClosing.abort()
      closing.abort()
    },
  }
}

function without<T>(record: Record<string, T>, id: string): Record<string, T> {
  const { [id]: _gone, ...rest } = record
  return rest
}
