import { exportFileName, exportMarkdown } from '@fusion/shared/chat/export-markdown.ts'
import type { Message } from '@fusion/shared/chat/message.ts'
import type { AccountState } from '@fusion/shared/contract/account.ts'
import type { AppState, EngineContract, ListEvent } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Settings } from '@fusion/shared/contract/settings.ts'
import { CONTRACT_VERSION } from '@fusion/shared/contract/version.ts'
import type { Handlers } from '@fusion/shared/rpc/contract.ts'
import { createMailbox } from '@fusion/shared/rpc/mailbox.ts'
import { type Api, createApi } from './api/api.ts'
import { closeInterrupted } from './chat/close-interrupted.ts'
import { createTokenGuess } from '@fusion/shared/chat/token-guess.ts'
import { createAccount } from './account/account.ts'
import { openKeptAccount } from './account/kept-account.ts'
import type { SecretPlace } from './account/keychain.ts'
import { createCloud } from './cloud/cloud.ts'
import { createDraftWork } from './chat/draft-work.ts'
import { createFollowSettings } from './chat/follow-settings.ts'
import { createHub } from './chat/hub.ts'
import { createKeepStates } from './chat/keep-states.ts'
import { openChat } from './chat/open-chat.ts'
import { passingAnswer } from './chat/passing-answer.ts'
import { createPromptPlanner } from './chat/prompt-planner.ts'
import { createRemoval } from './chat/removal.ts'
import { tellChanges } from './chat/tell-changes.ts'
import { createTurns } from './chat/turns.ts'
import { createModelChoice } from './chat/model-choice.ts'
import { openDoor } from './egress/door.ts'
import type { Outside } from './egress/read-public.ts'
import { createImages } from './images/images.ts'
import type { Log } from './log.ts'
import { reasonOf } from './log-error.ts'
import { createModels } from './models/models.ts'
import { openStorage } from './storage/storage.ts'
import { tellStates } from './tell-states.ts'

export interface EngineOptions {
  /** The data folder. */
  folder: string
  /** Where the bundled guide's GGUF lies. */
  bundledModels: string
  log: Log
  version: string
  /** A key of the local API from the environment. */
  apiKey?: string | null | undefined
  /** Where addresses in answers may lead, by another rule than the internet's: for tests. */
  outside?: Outside | undefined
  /** Another place for the secret of the sign-in than the system's keychain. */
  keychain?: SecretPlace | undefined
}

export interface Engine {
  handlers: Handlers<EngineContract>
  /** Resolves when the model files that lie here have been read. */
  modelsKnown: Promise<void>
  api: Api
  settings: () => Settings
  /** Calls the listener after each change of the settings. */
  onSettings(listener: () => void): () => void
  /** Stops what runs (its text is kept), saves the states of chats, ends the models' processes, closes the database. */
  close(): Promise<void>
}

/** The whole check reads the whole file (2 s for 300 MB, in a thread of its own): not while somebody waits for the first page. */
const CHECK_AFTER_MS = 20_000
/** Progress of files and loads comes in hundreds of steps; twenty pictures of it a second are smooth. */
const MODELS_APART_MS = 50
/** Requests and tokens of programs come by the hundred; a person reads the figures. */
const API_APART_MS = 500
const MODELS_ANEW_MS = 20_000
const FALLING_MS = 2_000
/** Chats told at once when a page asks for the list. */
const LIST_PART = 500
/** Messages told at once when all of a chat are asked for. */
const BRANCHES_PART = 20

/** Puts the engine together: storage, models and the turn, behind the contract. Throws what `openStorage` throws. */
export async function createEngine({
  folder,
  bundledModels,
  log,
  version,
  apiKey = null,
  outside,
  keychain,
}: EngineOptions): Promise<Engine> {
  const storage = openStorage({ folder })
  const settings = () => storage.settings.all()
  const models = createModels({ folder, bundledFolder: bundledModels, storage, settings, log })
  const modelsKnown = models.scan().catch((error: unknown) => log.error({ error: reasonOf(error) }, 'models could not be scanned'))
  const choice = createModelChoice({ models, modelsKnown, settings })
  const hub = createHub()
  const planner = createPromptPlanner({ storage, settings })
  const door = openDoor({ log, privacyOf: id => storage.conversations.get(id)?.privacy, outside })
  const account = createAccount({ door, kept: openKeptAccount(folder, keychain), log })
  const cloud = createCloud({ account, door, log })
  const turns = createTurns({ storage, models, choice, planner, settings, hub, log, cloud, guess: createTokenGuess() })
  const drafts = createDraftWork({ storage, models, choice, planner, turns, settings, hub, log })
  const keepStates = createKeepStates({ storage, models, turns, settings, log })
  const followSettings = createFollowSettings({ storage, models, keepStates, drafts, settings, hub, log })
  const removal = createRemoval({ storage, models, turns, drafts })
  const images = createImages({ storage, door, flush: turns.flush })
  const api = createApi({ models, modelsKnown, keys: storage.apiKeys, settings, log, environmentKey: apiKey })
  const stopTelling = tellChanges({ storage, hub })
  await account.known
  closeInterrupted(storage, turns, log)
  turns.onFinished(conversationId => {
    if (hub.isOpen(conversationId)) drafts.warm(conversationId)
  })

  const checking = setTimeout(() => {
    storage.integrityCheck().then(
      result => log.info({ result }, 'database checked'),
      (error: unknown) => log.warn({ error: reasonOf(error) }, 'database could not be checked'),
    )
  }, CHECK_AFTER_MS)

  const appState = (): AppState => ({ version, contractVersion: CONTRACT_VERSION, dataFolder: folder, notices: storage.notices() })

  const onStorage = (types: readonly string[]) => (tell: () => void) =>
    storage.onChange(change => {
      if (types.includes(change.type)) tell()
    })

  const accountState = (): AccountState => ({ ...account.state(), models: cloud.models() })
  function onAccount(tell: () => void): () => void {
    const stops = [account.watch(tell), cloud.watch(tell)]
    void cloud.readModels()
    // What a cloud has comes and goes: its list stays true while somebody looks.
    const reading = setInterval(() => void cloud.readModels(), MODELS_ANEW_MS)
    return () => {
      clearInterval(reading)
      for (const stop of stops) stop()
    }
  }

  function onApi(tell: () => void): () => void {
    const stops = [api.watch(tell), onStorage(['api-keys-changed'])(tell), models.watch(tell)]
    // The tokens per second fall also when nothing happens any more.
    let flowed = false
    const falling = setInterval(() => {
      const flows = api.state().tokensPerSecond > 0
      if (flows || flowed) tell()
      flowed = flows
    }, FALLING_MS)
    return () => {
      clearInterval(falling)
      for (const stop of stops) stop()
    }
  }

  async function* list(signal: AbortSignal): AsyncGenerator<ListEvent, void, void> {
    const mailbox = createMailbox<ListEvent>({ signal })
    const unsubscribe = hub.onList(event => mailbox.push(event))
    try {
      const conversations = storage.conversations.all()
      for (let at = 0; at < conversations.length; at += LIST_PART)
        yield { type: 'list-part', conversations: conversations.slice(at, at + LIST_PART) }
      yield { type: 'list-complete', folders: storage.folders.all(), newConversationId: storage.drafts.newConversationId() }
      yield { type: 'answering', conversationIds: turns.answering() }
      yield* mailbox
    } finally {
      unsubscribe()
    }
  }

  async function* branches(conversationId: string): AsyncGenerator<{ messages: Message[] }, void, void> {
    if (!storage.conversations.get(conversationId)) throw failure('not-found')
    turns.flush(conversationId)
    const ids = storage.messages.idsOf(conversationId)
    for (let at = 0; at < ids.length; at += BRANCHES_PART) yield { messages: storage.messages.many(ids.slice(at, at + BRANCHES_PART)) }
  }

  function tokensOf(conversationId: string, text: string, signal: AbortSignal): Promise<number | null> {
    const wish = storage.conversations.get(conversationId)?.settings.modelId ?? storage.drafts.getSettings(conversationId).modelId ?? null
    const modelId = choice.now(wish)
    const loaded = modelId ? models.ready(modelId) : undefined
    return loaded ? loaded.client.tokens.countText({ text }, { signal }).then(({ tokens }) => tokens) : Promise.resolve(null)
  }

  const handlers: Handlers<EngineContract> = {
    app: {
      watch: (_, signal) => tellStates(appState, onStorage(['notice-changed']), { signal }),
      dismissNotice: async ({ id }) => done(storage.dismissNotice(id)),
    },
    chats: {
      list: (_, signal) => list(signal),
      open: ({ conversationId }, signal) => openChat({ storage, turns, hub, drafts }, conversationId, signal),
      messages: async ({ conversationId, ids }) => {
        turns.flush(conversationId)
        return { messages: storage.messages.many(ids).filter(message => message.conversationId === conversationId) }
      },
      rename: async ({ conversationId, title }) => done(storage.conversations.rename(conversationId, title)),
      pin: async ({ conversationId, pinned }) => done(storage.conversations.pin(conversationId, pinned)),
      moveToFolder: async ({ conversationId, folderId }) => done(storage.conversations.moveToFolder(conversationId, folderId)),
      setPrivacy: async ({ conversationId, privacy }) => done(storage.conversations.setPrivacy(conversationId, privacy)),
      setSettings: async ({ conversationId, settings: wished }) => {
        removal.refuseGone(conversationId)
        if (storage.conversations.get(conversationId)) storage.conversations.setSettings(conversationId, wished)
        else storage.drafts.setSettings(conversationId, wished)
        if (wished.keepState === false) await models.deleteStates(conversationId)
        drafts.warm(conversationId)
        return {}
      },
      showBranch: async ({ conversationId, messageId }) => {
        const message = storage.messages.get(messageId)
        if (message?.conversationId !== conversationId) throw failure('not-found')
        return done(storage.conversations.setHead(conversationId, storage.messages.newestLeaf(messageId) ?? messageId))
      },
      trash: async ({ conversationId }) => done(await removal.trash(conversationId)),
      restore: async ({ conversationId }) => done(storage.conversations.restore(conversationId)),
      purge: async ({ conversationId }) => done(await removal.purge(conversationId)),
      emptyTrash: async () => done(await removal.emptyTrash()),
      branches: ({ conversationId }) => branches(conversationId),
      exportMarkdown: async ({ conversationId }) => {
        const conversation = storage.conversations.get(conversationId)
        if (!conversation) throw failure('not-found')
        turns.flush(conversationId)
        const ids = storage.messages.path(conversation.headId).map(entry => entry.id)
        return { fileName: exportFileName(conversation.title), markdown: exportMarkdown(conversation, storage.messages.many(ids)) }
      },
    },
    folders: {
      add: async ({ name }) => ({ folderId: storage.folders.add(name).id }),
      rename: async ({ folderId, name }) => done(storage.folders.rename(folderId, name)),
      remove: async ({ folderId }) => done(storage.folders.remove(folderId)),
    },
    drafts: {
      set: async ({ conversationId, draft }) => {
        if (await removal.keepDraft(conversationId, draft)) drafts.draftChanged(conversationId)
        return {}
      },
    },
    attachments: {
      add: async ({ name, text }) => ({ attachment: storage.attachments.add(name, text) }),
      read: async ({ hash }) => {
        const text = storage.attachments.read(hash)
        if (text === undefined) throw failure('not-found')
        return { text }
      },
      count: async ({ conversationId, hash }, signal) => {
        const text = storage.attachments.read(hash)
        if (text === undefined) throw failure('not-found')
        return { tokens: await tokensOf(conversationId, text, signal) }
      },
    },
    turns: {
      send: async question => {
        removal.refuseGone(question.conversationId)
        drafts.cancel(question.conversationId)
        return done(await turns.send(question))
      },
      stop: async ({ conversationId }) => done(await turns.stop(conversationId)),
      agree: async ({ conversationId, answerId }) => done(turns.agree(conversationId, answerId)),
      answer: async ({ conversationId, messageId }) => {
        drafts.cancel(conversationId)
        return done(await turns.answer(conversationId, messageId))
      },
      goOn: async ({ conversationId, messageId }) => {
        drafts.cancel(conversationId)
        return done(await turns.goOn(conversationId, messageId))
      },
    },
    images: { read: (request, signal) => images.read(request, signal) },
    search: { find: async query => storage.search.find(query) },
    models: {
      watch: (_, signal) => tellStates(models.state, models.watch, { signal, apartMs: MODELS_APART_MS }),
      add: async ({ path }) => ({ modelId: await models.add(path) }),
      beginCopy: async input => ({ copyId: await models.beginCopy(input) }),
      copyChunk: async input => done(await models.copyChunk(input)),
      finishCopy: async ({ copyId }) => ({ modelId: await models.finishCopy(copyId) }),
      cancelCopy: async ({ copyId }) => done(await models.cancelCopy(copyId)),
      remove: async ({ modelId, deleteFile }) => done(await models.remove(modelId, deleteFile)),
      load: async ({ modelId }, signal) => {
        const loaded = await models.acquire(modelId, { signal, onProgress: () => {} })
        return done(loaded.release())
      },
      unload: async ({ modelId }) => done(await models.unload(modelId)),
      dismissArrival: async ({ id }) => done(models.dismissArrival(id)),
      answer: (question, signal) => passingAnswer({ models, choice, settings }, question, signal),
      browse: async ({ path }) => models.browse(path),
    },
    settings: {
      watch: (_, signal) => tellStates(settings, onStorage(['settings-changed']), { signal }),
      set: async (changed: Partial<Settings>) => done(storage.settings.set(changed)),
    },
    account: {
      watch: (_, signal) => tellStates(accountState, onAccount, { signal }),
      signIn: (wish, signal) => account.signIn(wish, signal),
      signOut: async () => done(await account.signOut()),
    },
    api: {
      watch: (_, signal) => tellStates(api.state, onApi, { signal, apartMs: API_APART_MS }),
      makeKey: async wished => storage.apiKeys.make(wished),
      revokeKey: async ({ id }) => done(storage.apiKeys.revoke(id)),
    },
  }

  return {
    handlers,
    modelsKnown,
    api,
    settings,
    onSettings: onStorage(['settings-changed']),
    async close() {
      clearTimeout(checking)
      followSettings.close()
      drafts.close()
      await turns.close()
      await keepStates.saveAll()
      await models.close()
      stopTelling()
      storage.close()
    },
  }
}

/** The empty answer of a call that only had to happen. */
const done = (_: void): Record<string, never> => ({})
