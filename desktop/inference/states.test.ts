import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { answer, guideF16, loadModel, processOfTest, testFolder } from './testing/inference.ts'

const FIRST = 'How do I delete a chat?'

/** Says what no tokenizer would read as the same tokens again. */
const HOT = { temperature: 2, topK: 0, topP: 1, minP: 0, seed: 11, maxTokens: 40 }

/** A chat of one turn, saved to `path` by a process that has ended since, and its next turn as it was without the file. */
async function savedChat(path: string) {
  const { client } = processOfTest()
  await loadModel(client)
  const first = await answer(client, 'hello', { sampling: HOT })
  const turns = [
    { role: 'user', text: 'hello' },
    { role: 'assistant', text: first.text },
    { role: 'user', text: FIRST },
  ] as const
  const saved = await client.chat.saveState({ chatId: 'chat', path })
  const next = await answer(client, [...turns], { chatId: 'chat' })
  return { first, turns: [...turns], saved, next, client }
}

test('a chat whose state was saved goes on from it in a new process, with the same words and nothing computed twice', async () => {
  const path = join(testFolder(), 'chat.kv')
  const { first, turns, saved, next } = await savedChat(path)
  // All but the answer's last token, which nothing was computed from.
  expect(saved).toEqual({ tokens: first.prompt.promptTokens + 39, bytes: statSync(path).size })
  expect(statSync(path).mode & 0o777).toBe(0o600)

  const { client } = processOfTest()
  await loadModel(client)
  expect(await client.chat.loadState({ chatId: 'chat', path })).toEqual({ tokens: saved.tokens })
  const again = await answer(client, turns, { chatId: 'chat' })
  expect(again.text).toBe(next.text)
  expect(again.prompt).toEqual({ type: 'prompt-ready', promptTokens: next.prompt.promptTokens, cachedTokens: saved.tokens })
})

test('a chat with nothing in memory saves nothing', async () => {
  const path = join(testFolder(), 'none.kv')
  const { client } = processOfTest()
  await loadModel(client)
  expect(await client.chat.saveState({ chatId: 'nobody', path })).toEqual({ tokens: 0, bytes: 0 })
  expect(existsSync(path)).toBe(false)
})

test('a state that is cut off, changed, of another model or no state at all is refused, and the answer computed without it', async () => {
  const folder = testFolder()
  const path = join(folder, 'good.kv')
  const { turns, next, client } = await savedChat(path)
  const good = readFileSync(path)
  const broken = (name: string, change: (bytes: Buffer) => Buffer) => {
    const file = join(folder, name)
    writeFileSync(file, change(Buffer.from(good)))
    return file
  }
  const flip = (at: number) => (bytes: Buffer) => {
    bytes[at]! ^= 0xff
    return bytes
  }
  const files = [
    broken('empty', () => Buffer.alloc(0)),
    broken('short', bytes => bytes.subarray(0, 10)),
    broken('half', bytes => bytes.subarray(0, bytes.length / 2)),
    broken('without-end', bytes => bytes.subarray(0, -1)),
    broken('head-changed', flip(0)),
    broken('tokens-changed', flip(20)),
    broken('middle-changed', flip(good.length >> 1)),
    broken('length-changed', flip(good.length - 12)),
    broken('longer', bytes => Buffer.concat([bytes, Buffer.alloc(100)])),
    broken('noise', bytes => Buffer.from(bytes.map((byte, index) => byte ^ index))),
    broken('other-settings', bytes => Buffer.from(bytes.toString('latin1').replace('"f16', '"q8_'), 'latin1')),
    broken('other-format', bytes => Buffer.from(bytes.toString('latin1').replace('"format":1', '"format":9'), 'latin1')),
    join(folder, 'not-there'),
  ]
  for (const file of files) {
    await expect(client.chat.loadState({ chatId: file, path: file }), file).rejects.toMatchObject({ code: 'state-unusable' })
  }
  expect((await answer(client, turns, { chatId: files[3]! })).text).toBe(next.text)

  const other = processOfTest()
  await loadModel(other.client, { path: guideF16, modelId: 'guide-f16' })
  await expect(other.client.chat.loadState({ chatId: 'chat', path })).rejects.toMatchObject({ code: 'state-unusable' })
})

test('a state longer than the window it is loaded into is refused', async () => {
  const path = join(testFolder(), 'long.kv')
  const { client } = processOfTest()
  await loadModel(client)
  await client.chat.prefill({ chatId: 'long', prompt: { messages: [{ role: 'user', text: 'many words '.repeat(200) }] } })
  await client.chat.saveState({ chatId: 'long', path })
  const small = processOfTest()
  await loadModel(small.client, { contextTokens: 256 })
  await expect(small.client.chat.loadState({ chatId: 'long', path })).rejects.toMatchObject({ code: 'state-unusable' })
})

test('what was asked to be kept is saved before another chat takes its place, and told', async () => {
  const folder = testFolder()
  const path = join(folder, 'kept.kv')
  const { client } = processOfTest()
  const { sequences } = await loadModel(client)
  const saved = client.chat.watchSaved({})
  const first = saved.next()
  const kept = await answer(client, FIRST, { chatId: 'kept' })
  await client.chat.saveBeforeEviction({ chatId: 'kept', path })
  for (let index = 0; index < sequences; index++) await answer(client, 'hello', { chatId: `other-${index}` })
  const tokens = kept.prompt.promptTokens + kept.finished.completionTokens
  expect((await first).value).toEqual({ chatId: 'kept', tokens, bytes: statSync(path).size })
  expect(readdirSync(folder)).toEqual(['kept.kv'])
  expect(await client.chat.loadState({ chatId: 'kept', path })).toEqual({ tokens })
  await saved.return()
})

test('a state is not written where the disk has no room or the folder is gone, and leaves nothing behind', async () => {
  const folder = testFolder()
  const { client } = processOfTest()
  await loadModel(client)
  await answer(client, FIRST)
  await expect(client.chat.saveState({ chatId: 'chat', path: join(folder, 'gone', 'chat.kv') })).rejects.toThrow()
  expect(readdirSync(folder)).toEqual([])
  // The chat is unharmed.
  expect((await answer(client, FIRST)).text).toMatch(/Delete/)
})

test('saving over an older state replaces it whole', async () => {
  const path = join(testFolder(), 'twice.kv')
  const { client } = processOfTest()
  await loadModel(client)
  await answer(client, FIRST)
  await client.chat.saveState({ chatId: 'chat', path })
  truncateSync(path, 100)
  await client.chat.saveState({ chatId: 'chat', path })
  await client.chat.forget({ chatId: 'chat' })
  expect((await client.chat.loadState({ chatId: 'chat', path })).tokens).toBeGreaterThan(0)
})
