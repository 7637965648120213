// The whole product as a page sees it: a headless engine in a process of its own, asked over its WebSocket.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChatEvent, EngineContract, TurnState } from '@fusion/shared/contract/engine.ts'
import type { Message } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { LoadedModel, ModelEntry } from '@fusion/shared/contract/model.ts'
import type { Client } from '@fusion/shared/rpc/contract.ts'
import { startHeadless } from '../../desktop/engine/testing/headless.ts'
import type { Answer } from './answer.ts'
import { repository } from './config.ts'

export interface Fusion {
  client: Client<EngineContract>
  /** The address with the token, for a browser. */
  address: string
  pid: number
  /** From spawning the process to its line that it is ready. */
  readyMs: number
  /** Waits until the engine has found a model file of this name, and loads it. */
  loadModel(fileName: string): Promise<{ modelId: string; loaded: LoadedModel }>
  /** Opens a chat, a new one without an id, as a page does: answers stream to it until it is closed. */
  openChat(options: { modelId: string; maxTokens: number; conversationId?: string }): Promise<Chat>
  /** Ends the process as Ctrl+C does. */
  close(): Promise<void>
}

export interface Chat {
  id: string
  turn(): TurnState
  /** Sends a question and waits for the whole answer; a stopped answer counts too. */
  ask(question: string): Promise<Answer>
  /** Arrivals of text since the last question, for who watches while an answer grows. */
  arrivals(): number[]
  /** What is typed so far. */
  type(text: string): Promise<void>
  /** Ms from Stop until the answer is closed and the page can send again. */
  stop(): Promise<number>
  /** Waits for an event for which `wanted` is true. */
  until(wanted: (event: ChatEvent) => boolean): Promise<void>
  close(): void
}

/** Starts an engine on the data folder `home` and waits until it is ready. */
export async function startFusion(home: string): Promise<Fusion> {
  const engine = await startHeadless(home, { entry: join(repository, 'out', 'engine', 'serve.js') })
  const { fusion: client, close } = await engine.connect()

  return {
    client,
    address: engine.address,
    pid: engine.pid,
    readyMs: engine.readyMs,
    async loadModel(fileName) {
      const found = async (wanted: (entry: ModelEntry) => boolean) => {
        for await (const { entries } of client.models.watch({})) {
          const entry = entries.find(entry => entry.path.endsWith(fileName) && wanted(entry))
          if (entry) return entry
        }
        throw new Error(`The engine stopped telling its models before ${fileName} was there`)
      }
      const { id } = await found(() => true)
      await client.models.load({ modelId: id })
      const { state } = await found(entry => entry.state.at === 'ready')
      if (state.at !== 'ready') throw new Error('unreachable')
      return { modelId: id, loaded: state.loaded }
    },
    openChat: options => openChat(client, options),
    async close() {
      close()
      await engine.end()
    },
  }
}

async function openChat(
  client: Client<EngineContract>,
  { modelId, maxTokens, conversationId = newId() }: { modelId: string; maxTokens: number; conversationId?: string },
): Promise<Chat> {
  const leaving = new AbortController()
  const listeners = new Set<(event: ChatEvent) => void>()
  let turn: TurnState | undefined
  let arrivals: number[] = []
  const opened = Promise.withResolvers<void>()

  async function listen() {
    for await (const event of client.chats.open({ conversationId }, { signal: leaving.signal })) {
      if (event.type === 'chat-opened') {
        turn = event.turn
        opened.resolve()
      }
      if (event.type === 'turn-changed') turn = event.turn
      if (event.type === 'text-delta') arrivals.push(performance.now())
      for (const listener of listeners) listener(event)
    }
  }
  listen().catch((error: unknown) => {
    if (!leaving.signal.aborted) opened.reject(error)
  })
  await opened.promise
  await client.chats.setSettings({ conversationId, settings: { modelId, systemPrompt: '', sampling: { temperature: 0, maxTokens } } })

  const until = (wanted: (event: ChatEvent) => boolean) =>
    new Promise<void>(resolve => {
      const listener = (event: ChatEvent) => {
        if (!wanted(event)) return
        listeners.delete(listener)
        resolve()
      }
      listeners.add(listener)
    })

  return {
    id: conversationId,
    turn: () => turn!,
    arrivals: () => arrivals,
    until,
    async ask(question) {
      arrivals = []
      let answer: Message | undefined
      const startedAt = performance.now()
      const finished = until(event => {
        if (event.type !== 'message-changed' || event.message.role !== 'assistant' || event.message.status === 'growing') return false
        answer = event.message
        return true
      })
      const idle = until(event => event.type === 'turn-changed' && event.turn.at === 'idle')
      await client.turns.send({ conversationId, questionId: newId(), text: question, attachments: [] })
      await finished
      const endedAt = performance.now()
      await idle
      if (!answer || answer.status === 'failed') throw new Error(`The answer failed: ${answer?.failure?.code}`)
      const { promptTokens = 0, completionTokens = 0 } = answer.segments.at(-1) ?? {}
      return { startedAt, arrivals, endedAt, promptTokens, completionTokens }
    },
    async type(text) {
      await client.drafts.set({ conversationId, draft: { text, attachments: [] } })
    },
    async stop() {
      const startedAt = performance.now()
      const idle = until(event => event.type === 'turn-changed' && event.turn.at === 'idle')
      await client.turns.stop({ conversationId })
      if (turn?.at !== 'idle') await idle
      return performance.now() - startedAt
    },
    close: () => leaving.abort(),
  }
}

/** Resident memory of a process, in MB; null where the system does not tell (only Linux does here). */
export function residentMb(pid: number): number | null {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return kilobytes && Number(kilobytes[1]) / 1024
  } catch {
    return null
  }
}
