import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Message, Part } from '@fusion/shared/chat/message.ts'
import { type ChatEvent, type EngineContract, engineContract } from '@fusion/shared/contract/engine.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { connect } from '@fusion/shared/rpc/connect.ts'
import type { Client } from '@fusion/shared/rpc/contract.ts'
import { messagePort } from '@fusion/shared/rpc/message-port.ts'
import { serve } from '@fusion/shared/rpc/serve.ts'
import { onTestFinished } from 'vitest'
import type { Outside } from '../egress/read-public.ts'
import { createEngine, type Engine } from '../engine.ts'
import { createLog } from '../log.ts'
import { addEndlessModel } from '../../../models/guide/testing/endless-model.ts'

export const guideFolder = join(import.meta.dirname, '../../../models/guide')

export interface TestEngine {
  folder: string
  engine: Engine
  fusion: Client<EngineContract>
  /** Every line the engine logged. */
  logged: string[]
  /** Waits until the engine has logged an event of this name. */
  untilLogged(event: string): Promise<void>
  close(): Promise<void>
}

/** A folder that is gone after the test. */
export async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fusion-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A whole engine with the bundled model, reached as a page reaches it: over a real MessagePort. */
export async function testEngine(options: { folder?: string; bundledModels?: string; outside?: Outside } = {}): Promise<TestEngine> {
  const folder = options.folder ?? (await testFolder())
  const logged: string[] = []
  const waiting = new Set<() => void>()
  const engine = await createEngine({
    folder,
    bundledModels: options.bundledModels ?? guideFolder,
    log: createLog({
      level: 'debug',
      write(line) {
        logged.push(line)
        for (const check of waiting) check()
      },
    }),
    version: 'test',
    outside: options.outside,
  })
  const { port1, port2 } = new MessageChannel()
  serve(engineContract, engine.handlers, messagePort(port1))
  const page = messagePort(port2)
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= (async () => {
      page.close()
      await engine.close()
    })()
    return closed
  }
  onTestFinished(close)
  const untilLogged = (event: string) =>
    new Promise<void>(resolve => {
      const check = () => {
        if (!logged.some(line => line.includes(`"event":"${event}"`))) return
        waiting.delete(check)
        resolve()
      }
      waiting.add(check)
      check()
    })
  return { folder, engine, fusion: connect(engineContract, page), logged, untilLogged, close }
}

/** The same with a model whose answers do not end by themselves: there is time to do something while they grow. */
export async function endlessEngine(): Promise<TestEngine> {
  const folder = await testFolder()
  addEndlessModel(folder)
  return testEngine({ bundledModels: join(folder, 'models') })
}

/** A page's view of one chat: follows its events, and lets a test await what it is to see. */
export interface Watched {
  messages: Map<string, Message>
  path: () => Message[]
  events: ChatEvent[]
  until(what: string, found: (watched: Watched) => boolean): Promise<void>
  leave(): void
}

export async function watchChat(fusion: Client<EngineContract>, conversationId: string): Promise<Watched> {
  const controller = new AbortController()
  const messages = new Map<string, Message>()
  let ids: string[] = []
  const events: ChatEvent[] = []
  const waiting = new Set<() => void>()
  const opened = Promise.withResolvers<void>()
  onTestFinished(() => controller.abort())

  function take(event: ChatEvent): void {
    events.push(event)
    if (event.type === 'chat-opened') {
      for (const message of event.messages) messages.set(message.id, message)
      ids = event.path.map(entry => entry.id)
      opened.resolve()
    }
    if (event.type === 'path-changed') ids = event.path.map(entry => entry.id)
    if (event.type === 'path-grown') ids = [...ids, event.entry.id]
    if (event.type === 'message-changed') messages.set(event.message.id, event.message)
    if (event.type === 'text-delta') applyDelta(messages, event)
    for (const check of waiting) check()
  }

  void (async () => {
    try {
      for await (const event of fusion.chats.open({ conversationId }, { signal: controller.signal })) take(event)
    } catch (error) {
      opened.reject(error)
    }
  })()
  await opened.promise
  const watched: Watched = {
    messages,
    events,
    path: () => ids.flatMap(id => messages.get(id) ?? []),
    leave: () => controller.abort(),
    until: (what, found) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(check)
          reject(new Error(`never seen: ${what}; last event: ${events.at(-1)?.type}`))
        }, 20_000)
        const check = () => {
          if (!found(watched)) return
          clearTimeout(timer)
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      }),
  }
  return watched
}

/** As a page does it: what does not fit where the text ends would be a lost or doubled piece. */
function applyDelta(messages: Map<string, Message>, { messageId, part, at, text }: Extract<ChatEvent, { type: 'text-delta' }>): void {
  const message = messages.get(messageId)
  if (!message) throw new Error('a delta came before its message')
  const index = message.parts.findLastIndex(each => each.type === part)
  const before = message.parts[index]
  const length = before && 'text' in before ? before.text.length : 0
  if (length !== at) throw new Error(`a delta for ${at} came where the text ends at ${length}`)
  const parts: Part[] =
    before && 'text' in before
      ? message.parts.with(index, { ...before, text: before.text + text })
      : [...message.parts, { type: part, text }]
  messages.set(messageId, { ...message, parts })
}

/** Asks and waits for the end of the answer, which it gives. */
export async function ask(fusion: Client<EngineContract>, watched: Watched, conversationId: string, text: string): Promise<Message> {
  const questionId = newId()
  await fusion.turns.send({ conversationId, questionId, text, attachments: [] })
  const answer = () => [...watched.messages.values()].find(message => message.parentId === questionId && message.status !== 'growing')
  await watched.until('the answer', () => answer() !== undefined)
  return answer()!
}

/** A chat whose answer is growing. */
export async function growingChat(
  { fusion }: TestEngine,
  text = 'Tell me a very long story',
): Promise<{ conversationId: string; questionId: string; chat: Watched }> {
  const conversationId = newId()
  const questionId = newId()
  const chat = await watchChat(fusion, conversationId)
  await fusion.turns.send({ conversationId, questionId, text, attachments: [] })
  await chat.until('text', ({ events }) => events.some(event => event.type === 'text-delta'))
  return { conversationId, questionId, chat }
}

/** Kills (-9) the inference processes that this process started: its children that run the inference entry, found in /proc. */
export function endInferenceOf(pid: number): void {
  const tasks = readdirSync(`/proc/${pid}/task`)
  const children = tasks.flatMap(task => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean))
  const inference = children.filter(child => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('inference'))
  if (inference.length === 0) throw new Error('no inference process to end')
  for (const child of inference) process.kill(Number(child), 'SIGKILL')
}
