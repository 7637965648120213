import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type GenerateEvent,
  type GenerateRequest,
  type InferenceContract,
  inferenceContract,
  type Prompt,
} from '@fusion/shared/contract/inference.ts'
import type { LoadedModel } from '@fusion/shared/contract/model.ts'
import { childProcessPort } from '@fusion/shared/rpc/child-process.ts'
import { connect } from '@fusion/shared/rpc/connect.ts'
import type { Client } from '@fusion/shared/rpc/contract.ts'
import { onTestFinished } from 'vitest'
import { addEndlessModel } from '../../../models/guide/testing/endless-model.ts'

const models = join(import.meta.dirname, '../../../models/guide')
export const guide = join(models, 'guide-q4_k_m.gguf')
export const guideF16 = join(models, 'testing/guide-f16.gguf')

export type Inference = Client<InferenceContract>
export type TestProcess = { child: ChildProcess; client: Inference }

/** An inference process as the engine starts it. */
export function startProcess(script = join(import.meta.dirname, '../main.ts')): TestProcess {
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced' })
  return { child, client: connect(inferenceContract, childProcessPort(child)) }
}

/** Ends it, and waits until it is gone. */
export async function endProcess({ child }: TestProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  if (child.connected) child.disconnect()
  await gone
}

/** For one test: it ends with the test. */
export function processOfTest(script?: string): TestProcess {
  const started = startProcess(script)
  onTestFinished(() => endProcess(started))
  return started
}

/** Loads on one thread: two would wait for one another while other tests have the second core. */
export async function loadModel(
  client: Inference,
  options: { path?: string; modelId?: string; contextTokens?: number | null; memoryBytes?: number | null } = {},
): Promise<LoadedModel & { progress: number[] }> {
  const progress: number[] = []
  const { path = guide, modelId = 'guide', contextTokens = null, memoryBytes = null } = options
  for await (const event of client.model.load({ path, modelId, backend: 'cpu', threads: 1, contextTokens, memoryBytes })) {
    if (event.type === 'model-loaded') return { ...event.loaded, progress }
    progress.push(event.fraction)
  }
  throw new Error('not loaded')
}

/** A process for one test, with a model that neither answers nor reads to the end before something is done about it. */
export async function endlessProcess(): Promise<TestProcess & LoadedModel> {
  const started = processOfTest()
  return { ...started, ...(await loadModel(started.client, { path: addEndlessModel(testFolder()), modelId: 'endless' })) }
}

export interface Answer {
  text: string
  reasoning: string
  events: GenerateEvent[]
  prompt: Extract<GenerateEvent, { type: 'prompt-ready' }>
  finished: Extract<GenerateEvent, { type: 'answer-finished' }>
}

/** What else a question asks for, besides its words. */
export interface Question extends Partial<Omit<GenerateRequest, 'prompt'>>, Omit<Prompt, 'messages'> {
  signal?: AbortSignal
}

type Turns = Prompt['messages']

export function stream(client: Inference, question: string | Turns | GenerateRequest['prompt'], options: Question = {}) {
  const { signal, answerStart, tools, ...request } = options
  const messages: Turns = typeof question === 'string' ? [{ role: 'user', text: question }] : Array.isArray(question) ? question : []
  const turns = { messages, ...(answerStart !== undefined && { answerStart }), ...(tools && { tools }) }
  const prompt = typeof question === 'string' || Array.isArray(question) ? turns : question
  return client.chat.generate({ chatId: 'chat', sampling: { temperature: 0 }, priority: 0, ...request, prompt }, { signal })
}

/** The whole answer. */
export async function answer(
  client: Inference,
  question: string | Turns | GenerateRequest['prompt'],
  options: Question = {},
): Promise<Answer> {
  const events: GenerateEvent[] = []
  for await (const event of stream(client, question, options)) events.push(event)
  const text = (part: 'text' | 'reasoning') =>
    events.map(event => (event.type === 'text-delta' && event.part === part ? event.text : '')).join('')
  const prompt = events.find(event => event.type === 'prompt-ready')
  const finished = events.at(-1)
  if (!prompt || finished?.type !== 'answer-finished') throw new Error('the answer did not finish')
  return { text: text('text'), reasoning: text('reasoning'), events, prompt, finished }
}

/** A folder that is gone after the test. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fusion-inference-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
