import { newId } from '@fusion/shared/contract/ids.ts'
import type { PassingQuestion } from '@fusion/shared/contract/engine.ts'
import type { Sampling } from '@fusion/shared/chat/conversation.ts'
import { type Given, WrongUse } from '../arguments.ts'
import type { Tools } from '../command.ts'
import { type OpenEngine, withEngine } from '../engine/open-engine.ts'
import { json } from '../harmless.ts'
import { findModel, knownModels } from '../models/known-models.ts'
import { talk } from './talk.ts'
import { readInput } from './read-input.ts'
import { sayEnd } from './say-end.ts'
import { takeAnswer } from './take-answer.ts'

const MAX_SYSTEM = 100_000

/** One question and its answer, or a talk where nothing is asked yet and somebody sits in front of it. */
export async function chat(given: Given, tools: Tools): Promise<number | void> {
  const { terminal, signal } = tools
  const how = { system: systemOf(given), sampling: samplingOf(given) }
  const written = given.words.join(' ')
  if (written.trim() === '' && terminal.asks) {
    if (given.flag('json')) throw new WrongUse('With --json there has to be a prompt.')
    if (!terminal.shows) throw new WrongUse('There is nothing to ask: write a prompt.')
    return withEngine(tools, async engine => talk(engine, { ...how, modelId: await modelOf(given, engine, tools) }, tools))
  }
  // Read before an engine is opened: what comes by the pipe may be another command's answer, made by that command's own engine.
  const piped = terminal.asks ? '' : await readInput(process.stdin, signal)
  const text = [written, piped].filter(part => part.trim() !== '').join('\n\n')
  if (text === '') throw new WrongUse('There is nothing to ask: write a prompt, or send a text by standard input.')
  await withEngine(tools, async engine => {
    const modelId = await modelOf(given, engine, tools)
    await answerOnce(engine, { ...how, modelId, threadId: newId(), turns: [{ role: 'user', text }] }, given.flag('json'), tools)
  })
}

async function answerOnce(engine: OpenEngine, question: PassingQuestion, asJson: boolean, tools: Tools): Promise<void> {
  const { terminal } = tools
  let end = '\n'
  try {
    const answer = await takeAnswer(engine, question, tools, async text => {
      end = text.at(-1) ?? end
      if (!asJson) await terminal.write(text)
    })
    if (!asJson) {
      if (end !== '\n') await terminal.write('\n')
      return sayEnd(answer, terminal)
    }
    const { modelId, modelName, quantization, backend, leftOut } = answer.begun
    const { reason, usage, tokensPerSecond } = answer.finished
    await terminal.print(
      json({
        text: answer.text,
        ...(answer.reasoning !== '' && { reasoning: answer.reasoning }),
        model: { id: modelId, name: modelName, quantization, backend },
        usage,
        finishReason: reason,
        tokensPerSecond,
        leftOut,
      }),
    )
  } catch (error) {
    // What was printed stays, and what comes after it begins a line of its own.
    if (!asJson && end !== '\n') await terminal.write('\n')
    throw error
  }
}

async function modelOf(given: Given, engine: OpenEngine, tools: Tools): Promise<string | null> {
  const written = given.text('model')
  return written === undefined ? null : findModel(written, (await knownModels(engine, tools)).entries).id
}

function systemOf(given: Given): string | null {
  const system = given.text('system') ?? null
  if (system !== null && system.length > MAX_SYSTEM) throw new WrongUse(`--system takes ${MAX_SYSTEM} characters at the most.`)
  return system
}

function samplingOf(given: Given): Sampling {
  const temperature = given.number('temperature', { from: 0, to: 2 })
  const maxTokens = given.number('max-tokens', { from: 1, to: 1_000_000, whole: true })
  return { ...(temperature !== undefined && { temperature }), ...(maxTokens !== undefined && { maxTokens }) }
}
