import { join } from 'node:path'
import { type Message, textOf } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { addEndlessModel } from '../../models/guide/testing/endless-model.ts'
import { type Headless, startHeadless } from './testing/headless.ts'
import { endInferenceOf, testFolder, watchChat } from './testing/test-engine.ts'

const ROUNDS = Number(process.env.FUSION_KILL_ROUNDS ?? 200)
/** What may be lost of a growing answer. */
const LOST_MS = 500
/** The kill falls up to so long after the first words: most often there is text that is older than what may be lost. */
const KILL_WITHIN_MS = 2000

test(
  `kill -9 of the engine or its inference, ${ROUNDS} times in the midst of an answer: nothing finished is lost, and half a second of text at most`,
  { timeout: 3_600_000 },
  async () => {
    const home = await testFolder()
    addEndlessModel(home)
    /** Finished messages: they may never be missing or different. */
    const finished = new Map<string, string>()
    // Without the guide, which would answer while the other model is still being read.
    const start = () => startHeadless(home, { env: { FUSION_RESOURCES: home } })
    let engine = await start()
    onTestFinished(() => engine.end('SIGKILL'))
    let conversationId = newId()
    let olderTexts = 0
    for (let round = 0; round < ROUNDS; round++) {
      // A new chat now and then, so that the window does not fill up.
      if (round % 3 === 0) conversationId = newId()
      const killed = await killInMidAnswer(engine, conversationId, round)
      if (killed.engineDied) {
        await engine.end('SIGKILL')
        engine = await start()
      }
      const { fusion, close } = await engine.connect()
      const chat = await watchChat(fusion, conversationId)
      const answer = chat.messages.get(killed.answerId)
      expect(answer, `round ${round}: the answer that grew`).toMatchObject({
        status: 'failed',
        failure: { code: killed.engineDied ? 'interrupted' : expect.stringMatching(/^(model-crashed|out-of-memory)$/) },
      })
      const [kept, seen] = [textOf(answer!), killed.seen]
      if (killed.olderText !== '') olderTexts++
      expect(kept.startsWith(killed.olderText), `round ${round}: text older than ${LOST_MS} ms is there`).toBe(true)
      expect(kept.startsWith(seen) || seen.startsWith(kept), `round ${round}: no other text`).toBe(true)
      for (const message of chat.messages.values()) finished.set(message.id, textOf(message))
      chat.leave()
      close()
      const stored = storedTexts(home)
      for (const [id, text] of finished) expect(stored.get(id), `round ${round}: message ${id}`).toBe(text)
    }
    await engine.end()
    expect(olderTexts).toBeGreaterThan(ROUNDS / 2)
    const database = new Database(join(home, 'fusion.db'), { readonly: true })
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok')
    database.close()
  },
)

/** Asks, lets the answer grow for a random while, kills; tells what a page had seen of it, and what of that is older than the promise. */
async function killInMidAnswer(engine: Headless, conversationId: string, round: number) {
  const { fusion, close } = await engine.connect()
  const chat = await watchChat(fusion, conversationId)
  await fusion.settings.set({ sampling: { seed: round } })
  const questionId = newId()
  await fusion.turns.send({ conversationId, questionId, text: `Tell me the long story number ${round}`, attachments: [] })
  const answer = (): Message => [...chat.messages.values()].find(message => message.parentId === questionId)!
  await chat.until('text', ({ events }) => events.some(event => event.type === 'text-delta'))
  const lengths: { at: number; length: number }[] = []
  const watching = setInterval(() => lengths.push({ at: performance.now(), length: textOf(answer()).length }), 5)
  await new Promise(resolve => setTimeout(resolve, Math.random() * KILL_WITHIN_MS))
  clearInterval(watching)
  expect(answer().status, `round ${round}: killed in mid answer`).toBe('growing')
  const engineDied = Math.random() < 0.6
  const killedAt = performance.now()
  if (engineDied) await engine.end('SIGKILL')
  else {
    endInferenceOf(engine.pid)
    await chat.until('the end', () => answer().status !== 'growing')
  }
  const older = lengths.findLast(({ at }) => at <= killedAt - LOST_MS)?.length ?? 0
  const seen = textOf(answer())
  chat.leave()
  close()
  return { engineDied, answerId: answer().id, seen, olderText: seen.slice(0, older) }
}

/** Every finished message's text as it lies in the database, read beside the engine. */
function storedTexts(home: string): Map<string, string> {
  const database = new Database(join(home, 'fusion.db'), { readonly: true })
  const rows = database.prepare<[], { id: string; body: string }>("select id, body from msg where status <> 'growing'").all()
  database.close()
  return new Map(rows.map(({ id, body }) => [id, textOf({ parts: (JSON.parse(body) as Pick<Message, 'parts'>).parts })]))
}
