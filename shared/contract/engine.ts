// The contract between the page and the engine. A change here is a change of the wire: add a line to version.ts.
import { Type, type Static, type TSchema } from 'typebox'
import { Conversation, ConversationSettings, Folder, Privacy, Sampling, SystemPrompt, Title } from '../chat/conversation.ts'
import { AttachmentPart, FinishReason, LeftOut, Message, Segment } from '../chat/message.ts'
import { ImageFacts } from '../images/image-facts.ts'
import { call, stream } from '../rpc/contract.ts'
import { FailureBody } from '../rpc/failure.ts'
import { SearchHit } from '../search/search-hit.ts'
import { AccountState, SignInEvent, SignInWish } from './account.ts'
import { ApiKey, ApiState } from './api.ts'
import { Hash, Id } from './ids.ts'
import { Backend, ModelArrival, ModelEntry } from './model.ts'
import { Settings } from './settings.ts'

const Nothing = Type.Object({})
const ByConversation = Type.Object({ conversationId: Id })
const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** One message may not be larger: 8 million UTF-16 units hold a 2 MB prompt in any script, with room. The words of failures say so too. */
export const MAX_TEXT = 8_000_000
export const MAX_ATTACHMENTS = 20

// ── the app as a whole ──

/** Something the person should know about this installation, said once in a quiet line: a repair, a read-only folder. */
export const Notice = Type.Object({ id: Type.String(), failure: FailureBody })
export type Notice = Static<typeof Notice>

export const AppState = Type.Object({
  version: Type.String(),
  contractVersion: Type.Integer(),
  dataFolder: Type.String(),
  notices: Type.Array(Notice),
})
export type AppState = Static<typeof AppState>

// ── the list of chats ──

/** The list begins with `list-part` items (500 chats each), ends its beginning with `list-complete`, then tells changes. */
export const ListEvent = Type.Union([
  Type.Object({ type: Type.Literal('list-part'), conversations: Type.Array(Conversation) }),
  Type.Object({ type: Type.Literal('list-complete'), folders: Type.Array(Folder), newConversationId: Id }),
  Type.Object({ type: Type.Literal('conversation-changed'), conversation: Conversation }),
  Type.Object({ type: Type.Literal('conversation-gone'), conversationId: Id }),
  Type.Object({ type: Type.Literal('folder-changed'), folder: Folder }),
  Type.Object({ type: Type.Literal('folder-gone'), folderId: Id }),
  /** The id under which the next new chat is drafted: it changes when that chat gets its first message. */
  Type.Object({ type: Type.Literal('new-conversation'), newConversationId: Id }),
  /** Chats whose turn is running now, for the mark in the list. */
  Type.Object({ type: Type.Literal('answering'), conversationIds: Type.Array(Id) }),
])
export type ListEvent = Static<typeof ListEvent>

// ── one open chat ──

export const Draft = Type.Object({
  text: Type.String({ maxLength: MAX_TEXT }),
  attachments: Type.Array(AttachmentPart, { maxItems: MAX_ATTACHMENTS }),
})
export type Draft = Static<typeof Draft>

/** One step of the path from the root to the head. `siblings` (this one included, oldest first) only where there are several. */
export const PathEntry = Type.Object({ id: Id, role: Message.properties.role, siblings: Type.Optional(Type.Array(Id)) })
export type PathEntry = Static<typeof PathEntry>

/**
 * What the chat's turn does now. `waiting`: for other chats on the same model, or for the cloud. `paused`: a question waits after a failed answer.
 */
export const TurnState = Type.Object({
  at: Type.Union([
    Type.Literal('idle'),
    /** For the person to agree that the question goes to the cloud. */
    Type.Literal('asking'),
    Type.Literal('waiting'),
    /** To the cloud again: what came is kept, and the answer goes on. */
    Type.Literal('connecting'),
    Type.Literal('loading-model'),
    /** The cloud wakes the model: it slept, or had no server. */
    Type.Literal('waking-model'),
    /** A server of the cloud failed, and is asked again, or another one: what came is kept. */
    Type.Literal('retrying'),
    Type.Literal('prefilling'),
    Type.Literal('answering'),
    Type.Literal('paused'),
  ]),
  answerId: Nullable(Id),
  /** While it waits in the cloud's line: how many have their turn before it. */
  ahead: Type.Optional(Type.Integer({ minimum: 0 })),
  /** 0 to 1 while loading or prefilling. */
  fraction: Nullable(Type.Number()),
  /** Questions sent while an answer was growing, oldest first. */
  queuedIds: Type.Array(Id),
  /** Why the turn can't go on now (a full disk): it goes on by itself when that has changed. */
  failure: Nullable(FailureBody),
})
export type TurnState = Static<typeof TurnState>

/** How full the window is, in tokens of the chat's model, exact for one of this computer; null where the model is not loaded yet. */
export const ContextReport = Type.Object({
  modelId: Type.String(),
  windowTokens: Type.Integer(),
  systemTokens: Type.Integer(),
  historyTokens: Type.Integer(),
  draftTokens: Type.Integer(),
  /** Kept free for the answer. */
  reservedTokens: Type.Integer(),
  leftOut: LeftOut,
  /** The newest message that was left out: all before it were too. */
  leftOutUpTo: Nullable(Id),
  /** The draft alone does not fit: it can't be sent to this model. */
  draftTooLong: Type.Boolean(),
})
export type ContextReport = Static<typeof ContextReport>

export const ChatEvent = Type.Union([
  /** All of the path, and the newest messages of it; older ones by `chats.messages`. An unknown id is a new, empty chat. */
  Type.Object({
    type: Type.Literal('chat-opened'),
    conversation: Nullable(Conversation),
    path: Type.Array(PathEntry),
    messages: Type.Array(Message),
    draft: Draft,
    /** What was chosen for a chat before its first message; what is absent is as for new chats. */
    draftSettings: Type.Partial(ConversationSettings),
    turn: TurnState,
    context: Nullable(ContextReport),
  }),
  Type.Object({ type: Type.Literal('conversation-changed'), conversation: Conversation }),
  Type.Object({ type: Type.Literal('path-changed'), path: Type.Array(PathEntry) }),
  /** The end of the path grew by one: cheaper to tell than the path. */
  Type.Object({ type: Type.Literal('path-grown'), entry: PathEntry }),
  Type.Object({ type: Type.Literal('message-changed'), message: Message }),
  /** `at` is the length of that part before; a reader whose part has another length reads the message anew. */
  Type.Object({
    type: Type.Literal('text-delta'),
    messageId: Id,
    part: Type.Union([Type.Literal('text'), Type.Literal('reasoning')]),
    at: Type.Integer(),
    text: Type.String(),
  }),
  Type.Object({ type: Type.Literal('segment-changed'), messageId: Id, segment: Segment }),
  Type.Object({ type: Type.Literal('turn-changed'), turn: TurnState }),
  Type.Object({ type: Type.Literal('context-changed'), context: Nullable(ContextReport) }),
  /** Also told to the page that changed it. */
  Type.Object({ type: Type.Literal('draft-changed'), draft: Draft }),
  Type.Object({ type: Type.Literal('draft-settings-changed'), draftSettings: Type.Partial(ConversationSettings) }),
  Type.Object({ type: Type.Literal('conversation-gone') }),
])
export type ChatEvent = Static<typeof ChatEvent>

// ── images in answers ──

/** What the image is, then its bytes in order, in base64. Ends without a failure only when the image came whole. */
export const ImageEvent = Type.Union([
  Type.Object({ type: Type.Literal('image-found'), facts: ImageFacts, bytes: Type.Integer() }),
  Type.Object({ type: Type.Literal('image-data'), data: Type.String() }),
])
export type ImageEvent = Static<typeof ImageEvent>

export const BrowseEntry = Type.Object({
  name: Type.String(),
  path: Type.String(),
  kind: Type.Union([Type.Literal('folder'), Type.Literal('model')]),
  bytes: Nullable(Type.Number()),
})

export const ModelsState = Type.Object({ entries: Type.Array(ModelEntry), arrivals: Type.Array(ModelArrival) })
export type ModelsState = Static<typeof ModelsState>

// ── answers that belong to no chat ──

export const PassingTurn = Type.Object({
  role: Type.Union([Type.Literal('user'), Type.Literal('assistant')]),
  text: Type.String({ maxLength: MAX_TEXT }),
})
export type PassingTurn = Static<typeof PassingTurn>

export const PassingQuestion = Type.Object({
  /** Made by whoever asks. The next question of the same thread finds the KV state of this one in memory. */
  threadId: Id,
  /** null: the model for new chats. */
  modelId: Nullable(Type.String()),
  /** null: the one from the settings. */
  system: Nullable(SystemPrompt),
  /** From the first question to the one that is to be answered. */
  turns: Type.Array(PassingTurn, { minItems: 1, maxItems: 10_000 }),
  /** What is absent is as in the settings. */
  sampling: Sampling,
})
export type PassingQuestion = Static<typeof PassingQuestion>

export const PassingEvent = Type.Union([
  /** The model is there. `leftOut`: turns at the beginning that its window does not hold. */
  Type.Object({
    type: Type.Literal('answer-begun'),
    modelId: Type.String(),
    modelName: Type.String(),
    quantization: Type.String(),
    backend: Backend,
    leftOut: LeftOut,
  }),
  Type.Object({ type: Type.Literal('prefill-progress'), done: Type.Integer(), total: Type.Integer() }),
  Type.Object({
    type: Type.Literal('text-delta'),
    part: Type.Union([Type.Literal('text'), Type.Literal('reasoning')]),
    text: Type.String(),
  }),
  Type.Object({
    type: Type.Literal('answer-finished'),
    reason: FinishReason,
    usage: Type.Object({ promptTokens: Type.Integer(), cachedTokens: Type.Integer(), completionTokens: Type.Integer() }),
    tokensPerSecond: Nullable(Type.Number()),
  }),
])
export type PassingEvent = Static<typeof PassingEvent>

export const engineContract = {
  app: {
    /** First the state, then each new state. */
    watch: stream(Nothing, AppState),
    dismissNotice: call(Type.Object({ id: Type.String() }), Nothing),
  },
  chats: {
    list: stream(Nothing, ListEvent),
    open: stream(ByConversation, ChatEvent),
    /** At most 200 messages, in the order asked for; unknown ones are left out. */
    messages: call(
      Type.Object({ conversationId: Id, ids: Type.Array(Id, { maxItems: 200 }) }),
      Type.Object({ messages: Type.Array(Message) }),
    ),
    rename: call(Type.Object({ conversationId: Id, title: Title }), Nothing),
    pin: call(Type.Object({ conversationId: Id, pinned: Type.Boolean() }), Nothing),
    moveToFolder: call(Type.Object({ conversationId: Id, folderId: Nullable(Id) }), Nothing),
    setPrivacy: call(Type.Object({ conversationId: Id, privacy: Privacy }), Nothing),
    /** Also for a chat that is only a draft: the settings wait for its first message. */
    setSettings: call(Type.Object({ conversationId: Id, settings: Type.Partial(ConversationSettings) }), Nothing),
    /** Shows another branch: the head becomes the newest leaf under this message. */
    showBranch: call(Type.Object({ conversationId: Id, messageId: Id }), Nothing),
    trash: call(ByConversation, Nothing),
    restore: call(ByConversation, Nothing),
    /** Gone for good, from every file of the data folder. Only from the trash. */
    purge: call(ByConversation, Nothing),
    emptyTrash: call(Nothing, Nothing),
    /** All messages of all branches, oldest first, in parts. */
    branches: stream(ByConversation, Type.Object({ messages: Type.Array(Message) })),
    /** The whole chat (the shown branch) as Markdown. */
    exportMarkdown: call(ByConversation, Type.Object({ fileName: Type.String(), markdown: Type.String() })),
  },
  folders: {
    add: call(Type.Object({ name: Folder.properties.name }), Type.Object({ folderId: Id })),
    rename: call(Type.Object({ folderId: Id, name: Folder.properties.name }), Nothing),
    /** Its chats stay, outside any folder. */
    remove: call(Type.Object({ folderId: Id }), Nothing),
  },
  drafts: {
    /** Kept on disk; counted for the meter and prefilled when typing pauses. */
    set: call(Type.Object({ conversationId: Id, draft: Draft }), Nothing),
  },
  attachments: {
    /** Keeps the text of a file under its hash. It belongs to no chat until a message or a draft names it. */
    add: call(
      Type.Object({ name: AttachmentPart.properties.name, text: Type.String({ maxLength: MAX_TEXT }) }),
      Type.Object({ attachment: AttachmentPart }),
    ),
    read: call(Type.Object({ hash: Hash }), Type.Object({ text: Type.String() })),
    /** Exact tokens by the chat's model; null where it is not loaded. */
    count: call(Type.Object({ conversationId: Id, hash: Hash }), Type.Object({ tokens: Nullable(Type.Integer()) })),
  },
  turns: {
    /**
     * Appends a question and starts its answer; while an answer grows, the question waits in line. `parentId`: absent for the end of the
     * shown branch, or the parent of an edited question, so that the new one becomes its sibling. Resolves when the question is on disk.
     */
    send: call(
      Type.Object({
        conversationId: Id,
        questionId: Id,
        text: Type.String({ maxLength: MAX_TEXT }),
        attachments: Type.Array(AttachmentPart, { maxItems: MAX_ATTACHMENTS }),
        parentId: Type.Optional(Nullable(Id)),
      }),
      Nothing,
    ),
    /** Ends the growing answer and keeps its text. Resolves when the answer is closed on disk. */
    stop: call(ByConversation, Nothing),
    /** The question that this answer waits with may go to the cloud; not to agree is to stop. */
    agree: call(Type.Object({ conversationId: Id, answerId: Id }), Nothing),
    /** Another answer beside this one, or the first answer to a question that has none. */
    answer: call(Type.Object({ conversationId: Id, messageId: Id }), Nothing),
    /** Goes on from a stopped, failed or cut-off answer: a sibling that begins with its text. */
    goOn: call(Type.Object({ conversationId: Id, messageId: Id }), Nothing),
  },
  images: {
    /**
     * Fetches an image from where it lies, because the person asked to see it. `written` is its address as it stands in that answer; every
     * other address is refused, and so is every address in a chat that is local only.
     */
    read: stream(Type.Object({ conversationId: Id, messageId: Id, written: Type.String({ minLength: 1, maxLength: 12_000 }) }), ImageEvent),
  },
  search: {
    /** Newest first, over titles and the messages of all branches. `before` is `next` of the page before. */
    find: call(
      Type.Object({
        text: Type.String({ maxLength: 1000 }),
        folderId: Type.Optional(Id),
        before: Type.Optional(Type.String()),
        limit: Type.Integer({ minimum: 1, maximum: 100 }),
      }),
      Type.Object({ hits: Type.Array(SearchHit), next: Nullable(Type.String()) }),
    ),
  },
  models: {
    /** First the state, then each new state. */
    watch: stream(Nothing, ModelsState),
    /** Takes a file where it lies. Resolves when it was checked, with the model's id. */
    add: call(Type.Object({ path: Type.String({ maxLength: 4096 }) }), Type.Object({ modelId: Type.String() })),
    /** For files that come without a path (dropped on the page): begin, chunks in order (base64, at most 1 MiB each), finish. */
    beginCopy: call(
      Type.Object({ name: Type.String({ maxLength: 255 }), bytes: Type.Integer({ minimum: 1 }) }),
      Type.Object({ copyId: Type.String() }),
    ),
    copyChunk: call(
      Type.Object({ copyId: Type.String(), at: Type.Integer({ minimum: 0 }), data: Type.String({ maxLength: 1_400_000 }) }),
      Nothing,
    ),
    finishCopy: call(Type.Object({ copyId: Type.String() }), Type.Object({ modelId: Type.String() })),
    cancelCopy: call(Type.Object({ copyId: Type.String() }), Nothing),
    /** Forgets a model; `deleteFile` also deletes its file, only where it lies in the data folder. */
    remove: call(Type.Object({ modelId: Type.String(), deleteFile: Type.Boolean() }), Nothing),
    /** Resolves when the model is ready. */
    load: call(Type.Object({ modelId: Type.String() }), Nothing),
    unload: call(Type.Object({ modelId: Type.String() }), Nothing),
    dismissArrival: call(Type.Object({ id: Type.String() }), Nothing),
    /** An answer that belongs to no chat and is kept nowhere: for the command line. */
    answer: stream(PassingQuestion, PassingEvent),
    /** Folders and GGUF files of this computer, to pick one; null: the person's home folder. */
    browse: call(
      Type.Object({ path: Nullable(Type.String({ maxLength: 4096 })) }),
      Type.Object({ path: Type.String(), parent: Nullable(Type.String()), entries: Type.Array(BrowseEntry) }),
    ),
  },
  settings: {
    /** First all settings, then all of them at each change. */
    watch: stream(Nothing, Settings),
    set: call(Type.Partial(Settings), Nothing),
  },
  /** The account in the cloud, and what it gives. */
  account: {
    watch: stream(Nothing, AccountState),
    /** Ends when somebody is signed in; leaving it gives up. */
    signIn: stream(SignInWish, SignInEvent),
    signOut: call(Nothing, Nothing),
  },
  /** The local API; `settings.apiOpen` opens and closes it. */
  api: {
    watch: stream(Nothing, ApiState),
    makeKey: call(
      Type.Object({ name: Type.String({ minLength: 1, maxLength: 100 }), cloud: Type.Boolean() }),
      Type.Object({ key: ApiKey, secret: Type.String() }),
    ),
    revokeKey: call(Type.Object({ id: Id }), Nothing),
  },
}
export type EngineContract = typeof engineContract
