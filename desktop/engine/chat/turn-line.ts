import type { Message } from '@fusion/shared/chat/message.ts'
import type { TurnState } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { reasonOf } from '../log-error.ts'
import { beginAnswer } from './begin-answer.ts'
import { type Job, takeJob } from './jobs.ts'
import { LEAVING } from './leaving.ts'
import { runTurn, type TurnParts, type TurnRequest } from './turn.ts'

/** What is answered and what waits, in each chat. */
export interface TurnLine {
  /** Puts a question at the end. It begins at once where nothing else is answered, by `startedAt`, when Send was pressed. */
  put(conversationId: string, job: Job, startedAt: number): void
  /** Answers a question before all that waits. Throws `chat-busy`, and what beginning an answer throws. */
  putFirst(conversationId: string, job: Job): void
  /** Ends the growing answer and keeps its text; what waits in line comes next. Resolves when the answer is closed on disk. */
  stop(conversationId: string): Promise<void>
  /** The same, and nothing comes next: questions in line stay in the chat, unanswered. */
  halt(conversationId: string): Promise<void>
  /** The same for a chat that is deleted for good: its answer's end need not be saved. */
  abandon(conversationId: string): Promise<void>
  /** Takes up an answer of the cloud that another process of this engine left growing. */
  resume(answer: Message, from: NonNullable<TurnRequest['resume']>): void
  /** The person agrees that the question of this answer leaves the computer. */
  agree(conversationId: string, answerId: string): void
  state(conversationId: string): TurnState
  /** Chats whose answer is growing. */
  answering(): string[]
  /** Brings the store up to what open pages were told of the growing answer. */
  flush(conversationId: string): void
  onFinished(listener: (conversationId: string, modelId: string) => void): void
  close(): Promise<void>
}

/** A chat that is answered, or that has something to answer. */
interface Chat {
  line: Job[]
  running: Running | undefined
  /** After a failure what waits in line waits for a person to ask again. */
  paused: boolean
}

interface Running {
  answerId: string
  stop: AbortController
  abandon: AbortController
  done: Promise<void>
  flush: () => void
  agreed: PromiseWithResolvers<void>
  at: Pick<TurnState, 'at' | 'ahead' | 'fraction' | 'failure'>
}

type Begun = Pick<TurnRequest, 'conversation' | 'answer' | 'reason' | 'startedAt' | 'resume'>

const BEGINNING = { at: 'idle', fraction: null, failure: null } as const

/** One turn at a time in each chat, in the order asked for; different chats at once. */
export function createTurnLine(parts: TurnParts): TurnLine {
  const { storage, hub, log } = parts
  const chats = new Map<string, Chat>()
  const finishedListeners = new Set<(conversationId: string, modelId: string) => void>()
  let closing = false

  function state(conversationId: string): TurnState {
    const { running, line, paused } = chats.get(conversationId) ?? { line: [] }
    const at = paused && !running && line.length > 0 ? 'paused' : 'idle'
    return {
      ...(running?.at ?? { at, fraction: null, failure: null }),
      answerId: running?.answerId ?? null,
      queuedIds: line.map(({ questionId }) => questionId),
    }
  }

  const tellState = (conversationId: string) => hub.tellChat(conversationId, { type: 'turn-changed', turn: state(conversationId) })
  const answering = () => [...chats].flatMap(([id, { running }]) => (running ? [id] : []))
  const tellAnswering = () => hub.tellList({ type: 'answering', conversationIds: answering() })

  function chatOf(conversationId: string): Chat {
    const chat = chats.get(conversationId) ?? { line: [], running: undefined, paused: false }
    chats.set(conversationId, chat)
    return chat
  }

  function forgetIdle(conversationId: string): void {
    const chat = chats.get(conversationId)
    if (chat && !chat.running && chat.line.length === 0) chats.delete(conversationId)
  }

  /** Begins what is next in line. `startedAt`: when Send was pressed; a turn that waited for another starts when that one has ended. */
  function advance(conversationId: string, startedAt = performance.now()): void {
    const chat = chatOf(conversationId)
    if (chat.running || chat.paused || closing) return
    const rest = [...chat.line]
    const job = takeJob(rest)
    if (!job) return
    let begun: ReturnType<typeof beginAnswer>
    try {
      begun = beginAnswer(storage, conversationId, job, rest)
    } catch (error) {
      // A full disk: the question stays in line until somebody asks again.
      chat.paused = true
      throw error
    }
    chat.line = begun.line
    start(chat, { ...begun, startedAt })
  }

  function start(chat: Chat, begun: Begun): void {
    const conversationId = begun.conversation.id
    const running: Running = {
      answerId: begun.answer.id,
      stop: new AbortController(),
      abandon: new AbortController(),
      done: Promise.resolve(),
      flush: () => {},
      agreed: Promise.withResolvers(),
      at: BEGINNING,
    }
    chat.running = running
    running.done = run(conversationId, chat, running, begun)
    tellState(conversationId)
    tellAnswering()
  }

  async function run(conversationId: string, chat: Chat, running: Running, begun: Begun): Promise<void> {
    const { status, modelId } = await runTurn(parts, {
      ...begun,
      stop: running.stop.signal,
      abandon: running.abandon.signal,
      agreed: running.agreed.promise,
      onGrowing: flush => (running.flush = flush),
      onState(at) {
        // Progress is told in steps of 1 %: the page has nothing to show in between.
        const step = (fraction: number | null) => Math.floor((fraction ?? 0) * 100)
        const seen = running.at.at === at.at && running.at.ahead === at.ahead && step(running.at.fraction) === step(at.fraction)
        running.at = at
        if (!seen) tellState(conversationId)
      },
    })
    chat.running = undefined
    chat.paused = status === 'failed'
    tryAdvance(conversationId)
    forgetIdle(conversationId)
    tellState(conversationId)
    tellAnswering()
    if (modelId === undefined) return
    for (const listener of finishedListeners) {
      try {
        listener(conversationId, modelId)
      } catch (error) {
        log.warn({ conversationId, error: reasonOf(error) }, 'nothing done after an answer')
      }
    }
  }

  /** Where nobody waits to be told why not: the question is in the chat, and can be answered at a press. */
  function tryAdvance(conversationId: string, startedAt?: number): void {
    try {
      advance(conversationId, startedAt)
    } catch (error) {
      log.warn({ conversationId, error: reasonOf(error) }, 'next turn could not start')
    }
  }

  async function stop(conversationId: string): Promise<void> {
    const running = chats.get(conversationId)?.running
    running?.stop.abort()
    await running?.done
  }

  async function halt(conversationId: string): Promise<void> {
    const chat = chats.get(conversationId)
    if (!chat) return
    chat.line = []
    if (chat.running) return stop(conversationId)
    forgetIdle(conversationId)
    tellState(conversationId)
  }

  return {
    put(conversationId, job, startedAt) {
      const chat = chatOf(conversationId)
      chat.line.push(job)
      chat.paused = false
      tryAdvance(conversationId, startedAt)
      tellState(conversationId)
    },
    putFirst(conversationId, job) {
      const chat = chatOf(conversationId)
      if (chat.running) throw failure('chat-busy')
      chat.line = [job, ...chat.line.filter(({ questionId }) => questionId !== job.questionId)]
      chat.paused = false
      advance(conversationId)
    },
    resume(answer, from) {
      const conversation = storage.conversations.get(answer.conversationId)
      const reason = answer.segments.at(-1)?.reason ?? 'chosen'
      if (conversation) start(chatOf(conversation.id), { conversation, answer, reason, startedAt: null, resume: from })
    },
    agree(conversationId, answerId) {
      const running = chats.get(conversationId)?.running
      if (running?.answerId !== answerId) throw failure('not-found')
      running.agreed.resolve()
    },
    stop,
    halt,
    async abandon(conversationId) {
      chats.get(conversationId)?.running?.abandon.abort()
      await halt(conversationId)
    },
    state,
    answering,
    flush(conversationId) {
      try {
        chats.get(conversationId)?.running?.flush()
      } catch (error) {
        // The turn meets the same trouble at its next write, and ends with words for it.
        log.warn({ conversationId, error: reasonOf(error) }, 'answer not flushed')
      }
    },
    onFinished: listener => void finishedListeners.add(listener),
    async close() {
      closing = true
      const running = [...chats.values()].flatMap(chat => chat.running ?? [])
      for (const { abandon, stop } of running) {
        abandon.abort()
        stop.abort(LEAVING)
      }
      await Promise.all(running.map(({ done }) => done))
    },
  }
}
