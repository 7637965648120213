import { type AttachmentPart, type Message, type Part, textOf } from '@fusion/shared/chat/message.ts'
import { titleFrom } from '@fusion/shared/chat/title.ts'
import type { TurnState } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { runTurn, type TurnParts } from './turn.ts'

export interface Question {
  conversationId: string
  questionId: string
  text: string
  attachments: AttachmentPart[]
  parentId?: string | null
}

export interface Turns {
  send(question: Question): Promise<void>
  stop(conversationId: string): Promise<void>
  answer(conversationId: string, messageId: string): Promise<void>
  goOn(conversationId: string, messageId: string): Promise<void>
  state(conversationId: string): TurnState
  answering(): string[]
  /** Brings the store up to what open pages were told of the growing answer. */
  flush(conversationId: string): void
  /** Closes what an engine that was killed left growing, and says so in it. */
  closeInterrupted(): void
  onFinished(listener: (conversationId: string, modelId: string) => void): void
  close(): Promise<void>
}

/** What a chat has to do next: answer a question, or go on from an answer that was broken off. */
type Job = { kind: 'answer'; questionId: string; show: boolean; askAgain: boolean } | { kind: 'go-on'; answerId: string }

interface Chat {
  queue: Job[]
  running: { answerId: string; controller: AbortController; done: Promise<void>; flush: () => void } | undefined
  paused: boolean
  at: Pick<TurnState, 'at' | 'fraction' | 'failure'>
}

const NO_DRAFT = { text: '', attachments: [] }
const IDLE = { at: 'idle', fraction: null, failure: null } as const

/** One turn at a time in each chat, in the order asked for; different chats at once. */
export function createTurns(parts: TurnParts): Turns {
  const { storage, hub, log } = parts
  const chats = new Map<string, Chat>()
  const finishedListeners = new Set<(conversationId: string, modelId: string) => void>()
  let closing = false

  function chatOf(conversationId: string): Chat {
    const chat = chats.get(conversationId) ?? { queue: [], running: undefined, paused: false, at: IDLE }
    chats.set(conversationId, chat)
    return chat
  }

  function state(conversationId: string): TurnState {
    const chat = chats.get(conversationId)
    const queuedIds = chat?.queue.flatMap(job => (job.kind === 'answer' ? [job.questionId] : [])) ?? []
    if (!chat) return { ...IDLE, answerId: null, queuedIds }
    if (!chat.running && chat.paused && queuedIds.length > 0)
      return { at: 'paused', fraction: null, failure: null, answerId: null, queuedIds }
    return { ...chat.at, answerId: chat.running?.answerId ?? null, queuedIds }
  }

  const tellState = (conversationId: string) => hub.tellChat(conversationId, { type: 'turn-changed', turn: state(conversationId) })
  const answering = () => [...chats].flatMap(([id, chat]) => (chat.running ? [id] : []))
  const tellAnswering = () => hub.tellList({ type: 'answering', conversationIds: answering() })

  function conversationOf(conversationId: string) {
    const conversation = storage.conversations.get(conversationId)
    if (!conversation) throw failure('not-found')
    if (conversation.life === 'trash') throw failure('chat-in-trash')
    return conversation
  }

  function messageOf(conversationId: string, messageId: string): Message {
    const message = storage.messages.get(messageId)
    if (!message || message.conversationId !== conversationId) throw failure('not-found')
    return message
  }

  /** The next job; questions sent one after another while an answer grew are answered together, by the answer to the last of them. */
  function takeJob(chat: Chat): Job | undefined {
    let job = chat.queue.shift()
    for (;;) {
      const next = chat.queue[0]
      if (job?.kind !== 'answer' || job.askAgain || next?.kind !== 'answer') return job
      if (storage.messages.get(next.questionId)?.parentId !== job.questionId) return job
      job = chat.queue.shift()
    }
  }

  /** `startedAt`: when Send was pressed; a turn that waited for another starts when that one has ended. */
  function advance(conversationId: string, startedAt = performance.now()): void {
    const chat = chatOf(conversationId)
    if (chat.running || chat.paused || closing) return
    const job = takeJob(chat)
    if (!job) {
      chat.at = IDLE
      return
    }
    const controller = new AbortController()
    let answer: ReturnType<typeof beginAnswer>
    try {
      answer = storage.atomically(() => beginAnswer(conversationId, job))
    } catch (error) {
      // A full disk, or the chat went to the trash: the question stays in line until somebody asks again.
      chat.queue.unshift(job)
      chat.paused = true
      throw error
    }
    chat.running = { answerId: answer.message.id, controller, done: Promise.resolve(), flush: () => {} }
    chat.running.done = run(conversationId, chat, answer, startedAt, controller.signal, flush => {
      if (chat.running) chat.running.flush = flush
    })
    tellState(conversationId)
    tellAnswering()
  }

  function beginAnswer(conversationId: string, job: Job): { message: Message; reason: 'only-local' | 'chosen' | 'went-on' } {
    const conversation = conversationOf(conversationId)
    const base = {
      id: newId(),
      conversationId,
      role: 'assistant',
      status: 'growing',
      finishReason: null,
      failure: null,
      leftOut: null,
      createdAt: Date.now(),
    } as const
    if (job.kind === 'go-on') {
      const from = messageOf(conversationId, job.answerId)
      const message: Message = { ...base, parentId: from.parentId, parts: from.parts, segments: from.segments }
      storage.messages.begin(message)
      storage.conversations.setHead(conversationId, message.id)
      return { message, reason: 'went-on' }
    }
    const questionId = job.askAgain ? askAgain(conversationId, job.questionId) : job.questionId
    const message: Message = { ...base, parentId: questionId, parts: [], segments: [] }
    storage.messages.begin(message)
    // Somebody who turned to another branch meanwhile is left there.
    if (job.show || storage.conversations.get(conversationId)?.headId === questionId)
      storage.conversations.setHead(conversationId, message.id)
    return { message, reason: conversation.settings.modelId ? 'chosen' : 'only-local' }
  }

  /** A question that waited behind a broken answer moves behind the one that went on from it: as a copy, since messages never change. */
  function askAgain(conversationId: string, questionId: string): string {
    const head = conversationOf(conversationId).headId
    const copy: Message = { ...messageOf(conversationId, questionId), id: newId(), parentId: head, createdAt: Date.now() }
    storage.messages.add(copy)
    storage.conversations.setHead(conversationId, copy.id)
    return copy.id
  }

  async function run(
    conversationId: string,
    chat: Chat,
    { message, reason }: ReturnType<typeof beginAnswer>,
    startedAt: number,
    signal: AbortSignal,
    onGrowing: (flush: () => void) => void,
  ): Promise<void> {
    let last: { at: string; step: number } | undefined
    const { message: finished, modelId } = await runTurn(parts, {
      conversation: conversationOf(conversationId),
      answer: message,
      reason,
      startedAt,
      signal,
      onGrowing,
      onState(at) {
        chat.at = at
        // Progress is told in steps of 1 %: the page has nothing to show in between.
        const step = Math.floor((at.fraction ?? 0) * 100)
        if (last?.at === at.at && last.step === step) return
        last = { at: at.at, step }
        tellState(conversationId)
      },
    })
    chat.running = undefined
    chat.at = IDLE
    chat.paused = finished.status === 'failed'
    try {
      advance(conversationId)
    } catch (error) {
      log.warn({ conversationId, code: Failure.toBody(error).code }, 'next turn could not start')
    }
    tellState(conversationId)
    tellAnswering()
    finishedListeners.forEach(listener => listener(conversationId, modelId))
  }

  async function stop(conversationId: string): Promise<void> {
    const running = chats.get(conversationId)?.running
    running?.controller.abort()
    await running?.done
  }

  function enqueue(conversationId: string, job: Job, { first = false, startedAt = performance.now() } = {}): void {
    const chat = chatOf(conversationId)
    if (first) chat.queue.unshift(job)
    else chat.queue.push(job)
    advance(conversationId, startedAt)
    if (chat.running?.answerId) tellState(conversationId)
  }

  return {
    async send({ conversationId, questionId, text, attachments, parentId }) {
      const startedAt = performance.now()
      // Sent twice (a page that lost its connection and asks again): the question is there already.
      if (storage.messages.get(questionId)) return
      const known = storage.conversations.get(conversationId)
      if (known) conversationOf(conversationId)
      if (parentId !== undefined && parentId !== null) messageOf(conversationId, parentId)
      const edits = known !== undefined && parentId !== undefined && parentId !== known.headId
      if (edits) await stop(conversationId)
      const question: Message = {
        id: questionId,
        conversationId,
        parentId: parentId === undefined ? (storage.conversations.get(conversationId)?.headId ?? null) : parentId,
        role: 'user',
        parts: [...attachments, ...(text === '' ? [] : [{ type: 'text', text } satisfies Part])],
        status: 'complete',
        segments: [],
        finishReason: null,
        failure: null,
        leftOut: null,
        createdAt: Date.now(),
      }
      if (question.parts.length === 0) throw failure('bad-input')
      // One commit: never a chat without its question, nor a draft that was sent and is still there.
      storage.atomically(() => {
        if (!known) createConversation(conversationId, text, attachments)
        storage.messages.add(question)
        storage.conversations.setHead(conversationId, questionId)
        storage.drafts.set(conversationId, NO_DRAFT)
      })
      const chat = chatOf(conversationId)
      chat.paused = false
      enqueue(conversationId, { kind: 'answer', questionId, show: false, askAgain: false }, { startedAt })
    },
    stop,
    async answer(conversationId, messageId) {
      conversationOf(conversationId)
      const message = messageOf(conversationId, messageId)
      const questionId = message.role === 'user' ? message.id : message.parentId
      if (!questionId) throw failure('not-found')
      const chat = chatOf(conversationId)
      if (chat.running) throw failure('chat-busy')
      chat.queue = chat.queue.filter(job => job.kind !== 'answer' || job.questionId !== questionId)
      chat.paused = false
      enqueue(conversationId, { kind: 'answer', questionId, show: true, askAgain: false }, { first: true })
    },
    async goOn(conversationId, messageId) {
      conversationOf(conversationId)
      const message = messageOf(conversationId, messageId)
      if (message.role !== 'assistant' || message.status === 'growing') throw failure('bad-input')
      const chat = chatOf(conversationId)
      if (chat.running) throw failure('chat-busy')
      for (const job of chat.queue) if (job.kind === 'answer') job.askAgain = true
      chat.paused = false
      const job: Job =
        textOf(message) === '' && message.parentId
          ? { kind: 'answer', questionId: message.parentId, show: true, askAgain: false }
          : { kind: 'go-on', answerId: messageId }
      enqueue(conversationId, job, { first: true })
    },
    state,
    answering,
    flush(conversationId) {
      try {
        chats.get(conversationId)?.running?.flush()
      } catch (error) {
        // The turn meets the same trouble at its next write, and ends with words for it.
        log.warn({ conversationId, code: Failure.toBody(error).code }, 'answer not flushed')
      }
    },
    closeInterrupted() {
      for (const message of storage.messages.growing()) {
        storage.messages.finish(message.id, {
          status: 'failed',
          segments: message.segments,
          finishReason: null,
          failure: Failure.toBody(failure('interrupted')),
          leftOut: message.leftOut,
        })
      }
    },
    onFinished: listener => void finishedListeners.add(listener),
    async close() {
      closing = true
      await Promise.all([...chats.keys()].map(stop))
    },
  }

  function createConversation(conversationId: string, text: string, attachments: AttachmentPart[]): void {
    const waiting = storage.drafts.getSettings(conversationId)
    storage.conversations.create({
      id: conversationId,
      title: titleFrom(text, attachments[0]?.name),
      settings: waiting,
    })
    if (storage.drafts.newConversationId() === conversationId) storage.drafts.renewNewConversationId()
  }
}
