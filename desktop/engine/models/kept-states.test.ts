import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newId } from '@fusion/shared/contract/ids.ts'
import { expect, onTestFinished, test } from 'vitest'
import type { Loaded } from './models.ts'
import { acquire, ask, guideId, programOf, testModels, type TestModels } from './testing/models.ts'

const QUESTION = 'How do I delete a chat?'
const filesOf = ({ folder }: TestModels) => (existsSync(join(folder, 'states')) ? readdirSync(join(folder, 'states')) : [])
const statesOf = (test: TestModels) => filesOf(test).filter(name => name !== 'CACHEDIR.TAG')

/** Whether a small file system of one's own can be mounted here: root on Linux. */
const canMount = process.platform === 'linux' && process.getuid?.() === 0

function mount(folder: string, size: string): void {
  mkdirSync(folder, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder])
  onTestFinished(() => void execFileSync('umount', ['-l', folder]))
}

async function cachedTokens({ client }: Loaded, chatId: string): Promise<number> {
  const prompt = { messages: [{ role: 'user' as const, text: QUESTION }] }
  for await (const event of client.chat.generate({ chatId, prompt, sampling: { temperature: 0, maxTokens: 1 }, priority: 0 })) {
    if (event.type === 'prompt-ready') return event.cachedTokens
  }
  throw new Error('no prompt')
}

async function chatWithState(test: TestModels): Promise<{ chatId: string; file: string }> {
  await test.models.scan()
  const chatId = newId()
  const loaded = await acquire(test.models, guideId)
  await test.models.openState(chatId, guideId)
  await ask(loaded, QUESTION, chatId)
  await test.models.saveState(chatId, guideId)
  loaded.release()
  const [file = ''] = statesOf(test)
  return { chatId, file: join(test.folder, 'states', file) }
}

test('the state of a chat is there again in the next process', async () => {
  const test = testModels()
  const { chatId, file } = await chatWithState(test)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(join(test.folder, 'states')).mode & 0o777).toBe(0o700)
  await test.models.unload(guideId)
  const again = await acquire(test.models, guideId)
  await test.models.openState(chatId, guideId)
  expect(await cachedTokens(again, chatId)).toBeGreaterThan(5)
  expect(statesOf(test)).toHaveLength(1)
})

test('a state that is damaged is deleted, and the chat answered without it', async () => {
  const test = testModels()
  const { chatId, file } = await chatWithState(test)
  const bytes = readFileSync(file)
  bytes[bytes.length >> 1]! ^= 0xff
  writeFileSync(file, bytes)
  await test.models.unload(guideId)
  const again = await acquire(test.models, guideId)
  await test.models.openState(chatId, guideId)
  expect(test.models.ready(guideId)).toBe(again)
  expect(statesOf(test)).toEqual([])
  expect(test.storage.states.all()).toEqual([])
  expect(await ask(again, QUESTION, chatId)).toMatch(/Delete/)
})

test('a state that kills its process is deleted, and the answer made without it in a new one', async () => {
  const test = testModels({ program: programOf('dies-on-state.ts') })
  const { chatId } = await chatWithState(test)
  const loaded = await acquire(test.models, guideId)
  await test.models.openState(chatId, guideId)
  expect(test.models.ready(guideId)).toBeUndefined()
  expect(await loaded.gone).toMatchObject({ code: 'model-crashed' })
  expect(statesOf(test)).toEqual([])
  const next = await acquire(test.models, guideId)
  await test.models.openState(chatId, guideId)
  expect(await ask(next, QUESTION, chatId)).toMatch(/Delete/)
})

test('a state during whose loading the whole engine died is deleted at the next start', async () => {
  const test = testModels()
  const { chatId, file } = await chatWithState(test)
  writeFileSync(`${file}.loading`, '')
  await test.close()
  const next = testModels({ folder: test.folder })
  await next.models.scan()
  const loaded = await acquire(next.models, guideId)
  await next.models.openState(chatId, guideId)
  expect(await cachedTokens(loaded, chatId)).toBe(0)
  expect(statesOf(next)).toEqual([])
})

test('states are kept out of backups, by the tag that programs for them look for', async () => {
  const test = testModels()
  await chatWithState(test)
  expect(readFileSync(join(test.folder, 'states/CACHEDIR.TAG'), 'utf8')).toMatch(/^Signature: 8a477f597d28d172789f06886806bc55/)
})

test('files among the states that nobody knows of are removed', async () => {
  const test = testModels()
  const { chatId, file } = await chatWithState(test)
  await test.close()
  writeFileSync(join(test.folder, 'states/somebody.kv.part'), 'half of a state')
  const next = testModels({ folder: test.folder })
  await next.models.scan()
  await acquire(next.models, guideId)
  await next.models.openState(chatId, guideId)
  expect(statesOf(next).map(name => join(test.folder, 'states', name))).toEqual([file])
})

test('deleting the states of a chat leaves nothing of it, on disk or in memory, also of a save under way', async () => {
  const test = testModels()
  const { chatId } = await chatWithState(test)
  const loaded = await acquire(test.models, guideId)
  const saving = test.models.saveState(chatId, guideId)
  await test.models.deleteStates(chatId)
  await saving
  expect(statesOf(test)).toEqual([])
  expect(test.storage.states.all()).toEqual([])
  expect(await cachedTokens(loaded, chatId)).toBe(0)
})

test.skipIf(!canMount)('states take a twentieth of what is free at the most, and the one used longest ago gives way', async () => {
  const test = testModels()
  await test.models.scan()
  mount(join(test.folder, 'states'), '8m')
  const loaded = await acquire(test.models, guideId)
  const save = async (chatId: string) => {
    await test.models.openState(chatId, guideId)
    await ask(loaded, QUESTION, chatId)
    await test.models.saveState(chatId, guideId)
  }
  const kept = () => test.storage.states.all().map(({ conversationId }) => conversationId)
  const [first, second, ...others] = Array.from({ length: 8 }, newId) as [string, string, ...string[]]
  await save(first)
  await save(second)
  expect(kept()).toEqual([first, second])
  // Opened again, the first is now the one used last.
  await test.models.openState(first, guideId)
  for (const other of others) {
    await save(other)
    if (!kept().includes(second)) break
  }
  expect(kept()).toContain(first)
  expect(kept()).not.toContain(second)
  for (const other of others) await save(other)
  expect(kept()).not.toContain(first)
  expect(kept().at(-1)).toBe(others.at(-1))
  const bytes = statesOf(test).reduce((sum, name) => sum + statSync(join(test.folder, 'states', name)).size, 0)
  expect(bytes).toBeLessThanOrEqual(8 * 2 ** 20 * 0.05)
  expect(statesOf(test)).toHaveLength(kept().length)
})

test('a chat that lost its place in memory to others is saved first', async () => {
  const test = testModels()
  await test.models.scan()
  const loaded = await acquire(test.models, guideId)
  const chatId = newId()
  await test.models.openState(chatId, guideId)
  await ask(loaded, QUESTION, chatId)
  for (let index = 0; index < loaded.loaded.sequences; index++) await ask(loaded, 'hello', `other-${index}`)
  // Saving it anew waits for the one that was under way, and finds nothing in memory.
  await expect.poll(() => test.storage.states.get(chatId, guideId)?.tokens).toBeGreaterThan(5)
  await test.models.openState(chatId, guideId)
  expect(await cachedTokens(loaded, chatId)).toBeGreaterThan(5)
})
