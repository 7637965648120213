import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Message, textOf } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { type Headless, startHeadless } from './testing/headless.ts'
import { endInferenceOf, testFolder, watchChat } from './testing/test-engine.ts'

/** Long answers at any moment of which the kill can fall. */
const RAMBLE = { temperature: 2, topK: 0, topP: 1, minP: 0, maxTokens: 1500 }
const ROUNDS = Number(process.env.FUSION_KILL_ROUNDS ?? 200)
/** What may be lost of a growing answer. */
const LOST_MS = 500

interface Expected {
  /** Finished messages: they may never be missing or different. */
  finished: Map<string, string>
}

test(
  `kill -9 of the engine or its inference, ${ROUNDS} times in the midst of an answer: nothing finished is lost, and half a second of text at most`,
  { timeout: 3_600_000 },
  async () => {
    const home = await testFolder()
    const expected: Expected = { finished: new Map() }
    let engine = await startHeadless(home)
    let conversationId = newId()
    for (let round = 0; round < ROUNDS; round++) {
      // A new chat now and then, so that the window does not fill up.
      if (round % 5 === 0) conversationId = newId()
      const growing = await killInMidAnswer(engine, conversationId, round, expected)
      if (growing.engineDied) {
        await engine.end('SIGKILL')
        engine = await startHeadless(home)
      }
      const { fusion, close } = await engine.connect()
      const chat = await watchChat(fusion, conversationId)
      await chat.until('the end of the answer', ({ messages }) => [...messages.values()].every(message => message.status !== 'growing'))
      const answer = chat.messages.get(growing.answerId)
      expect(answer, `round ${round}: the answer that grew`).toBeDefined()
      expect(textOf(answer!).startsWith(growing.textBefore), `round ${round}: text older than ${LOST_MS} ms is there`).toBe(true)
      expect(growing.text.startsWith(textOf(answer!)) || textOf(answer!).startsWith(growing.text), `round ${round}: no other text`).toBe(
        true,
      )
      for (const message of chat.messages.values()) expected.finished.set(message.id, textOf(message))
      chat.leave()
      close()
      for (const [id, text] of storedTexts(home))
        if (expected.finished.has(id)) expect(text, `round ${round}: message ${id}`).toBe(expected.finished.get(id))
      expect(storedTexts(home).size).toBeGreaterThanOrEqual(expected.finished.size)
    }
    await engine.end()
    const database = new Database(join(home, 'fusion.db'), { readonly: true })
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok')
    database.close()
  },
)

/** Asks, lets the answer grow for a random while, kills; tells what a page had seen of it, and what of that is older than the promise. */
async function killInMidAnswer(engine: Headless, conversationId: string, round: number, expected: Expected) {
  const { fusion, close } = await engine.connect()
  const chat = await watchChat(fusion, conversationId)
  await fusion.settings.set({ sampling: { ...RAMBLE, seed: round } })
  const questionId = newId()
  await fusion.turns.send({ conversationId, questionId, text: `Tell me the long story number ${round}`, attachments: [] })
  expected.finished.set(questionId, `Tell me the long story number ${round}`)
  const answerOf = (): Message | undefined => [...chat.messages.values()].find(message => message.parentId === questionId)
  await chat.until('text', () => answerOf() !== undefined && textOf(answerOf()!) !== '')
  const seen: { at: number; length: number }[] = []
  const watching = setInterval(() => seen.push({ at: performance.now(), length: textOf(answerOf()!).length }), 5)
  await new Promise(resolve => setTimeout(resolve, Math.random() * 900))
  clearInterval(watching)
  const engineDied = Math.random() < 0.6
  const killedAt = performance.now()
  if (engineDied) await engine.end('SIGKILL')
  else if (answerOf()!.status === 'growing') endInferenceOf(engine.pid)
  const before = seen.findLast(({ at }) => at <= killedAt - LOST_MS)?.length ?? 0
  const text = textOf(answerOf()!)
  if (!engineDied) await chat.until('the end', () => answerOf()!.status !== 'growing')
  chat.leave()
  close()
  return { engineDied, answerId: answerOf()!.id, text: engineDied ? text : textOf(answerOf()!), textBefore: text.slice(0, before) }
}

/** Every finished message's text as it lies in the database, read beside the engine. */
function storedTexts(home: string): Map<string, string> {
  expect(readdirSync(home)).toContain('fusion.db')
  const database = new Database(join(home, 'fusion.db'), { readonly: true })
  const rows = database.prepare<[], { id: string; body: string }>("select id, body from msg where status <> 'growing'").all()
  database.close()
  return new Map(rows.map(({ id, body }) => [id, textOf({ parts: (JSON.parse(body) as Pick<Message, 'parts'>).parts })]))
}
