import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { textOf } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test, vi } from 'vitest'
import { addEndlessModel } from '../../models/guide/testing/endless-model.ts'
import { createEngine } from './engine.ts'
import { createLog } from './log.ts'
import { filesWith } from './testing/files-with.ts'
import { startHeadless } from './testing/headless.ts'
import { ask, guideFolder, testEngine, testFolder, watchChat } from './testing/test-engine.ts'

const greedy = { temperature: 0 }

/** Whether a small file system of one's own can be mounted here: root on Linux. */
const canMount = process.platform === 'linux' && process.getuid?.() === 0

test.skipIf(!canMount)('a disk that fills up in mid answer ends the answer in words, and nothing that was saved is lost', async () => {
  const folder = await testFolder()
  mount(folder, '12m')
  const { fusion } = await testEngine({ folder, bundledModels: dirname(addEndlessModel(await testFolder())) })
  await fusion.settings.set({ sampling: { ...greedy, maxTokens: 20 } })
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  const first = await ask(fusion, chat, conversationId, 'How do I delete a chat?')
  await fusion.settings.set({ sampling: greedy })
  const questionId = newId()
  await fusion.turns.send({ conversationId, questionId, text: 'Tell me a very long story', attachments: [] })
  const filler = fill(folder)
  await chat.until(
    'words for it',
    ({ events, messages }) =>
      events.some(event => event.type === 'turn-changed' && event.turn.failure?.code === 'disk-full') ||
      [...messages.values()].some(message => message.failure?.code === 'disk-full'),
  )
  writeFileSync(filler, '')
  await chat.until('the end', ({ messages }) =>
    [...messages.values()].some(message => message.parentId === questionId && message.status !== 'growing'),
  )
  const end = [...chat.messages.values()].find(message => message.parentId === questionId)!
  expect(end).toMatchObject({ status: 'failed', failure: { code: 'disk-full' } })
  const { messages } = await fusion.chats.messages({ conversationId, ids: [first.id, end.id] })
  expect(textOf(messages[0]!)).toBe(textOf(first))
  expect(textOf(messages[1]!)).toBe(textOf(end))
})

test.skipIf(!canMount)('a question that finds the disk full is refused in words, and can be sent again when there is room', async () => {
  const folder = await testFolder()
  mount(folder, '12m')
  const { fusion } = await testEngine({ folder })
  await fusion.settings.set({ sampling: greedy })
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  const filler = fill(folder)
  const question = { conversationId, questionId: newId(), text: 'hello '.repeat(200_000), attachments: [] }
  await expect(fusion.turns.send(question)).rejects.toMatchObject({ code: 'disk-full' })
  writeFileSync(filler, '')
  await fusion.turns.send({ ...question, text: 'hello' })
  await chat.until('the answer', ({ messages }) =>
    [...messages.values()].some(message => message.parentId === question.questionId && message.status === 'complete'),
  )
})

test('a fault that nobody handles is logged without what people wrote, and the engine goes on', async () => {
  const home = await testFolder()
  const engine = await startHeadless(home, { entry: join(import.meta.dirname, 'testing/serve-with-a-fault.ts') })
  onTestFinished(() => engine.end('SIGKILL'))
  const log = () =>
    readdirSync(join(home, 'logs'))
      .map(name => readFileSync(join(home, 'logs', name), 'utf8'))
      .join('')
  await expect.poll(log).toContain('a failure was not handled')
  expect(log()).toContain('serve-with-a-fault.ts')
  expect(log()).not.toContain('Zwetschgenknoedel')
  const { fusion, close } = await engine.connect()
  expect(await fusion.models.browse({ path: home })).toMatchObject({ path: home })
  close()
})

test.skipIf(!canMount)('a data folder that cannot be written to is said in one sentence', async () => {
  const folder = await testFolder()
  mount(folder, '12m')
  execFileSync('mount', ['-o', 'remount,ro', folder])
  const opening = createEngine({ folder, bundledModels: guideFolder, log: createLog({ level: 'debug', write: () => {} }), version: 'test' })
  await expect(opening).rejects.toMatchObject({ code: 'data-folder-read-only' })
})

test('an engine checks the whole database after its start, and tells every page what it mended', async () => {
  const folder = await testFolder()
  const first = await testEngine({ folder })
  const conversationId = newId()
  const chat = await watchChat(first.fusion, conversationId)
  const answer = await ask(first.fusion, chat, conversationId, 'hello')
  await first.close()
  // Another id in an index, of the same length: every page of the file is well, and nobody meets it by chance.
  const file = join(folder, 'fusion.db')
  const sqlite = new Database(file, { readonly: true })
  const page = sqlite.prepare<[], number>("select min(pageno) from dbstat where name = 'msg_tree'").pluck().get()!
  sqlite.close()
  const bytes = readFileSync(file)
  const at = bytes.indexOf(answer.id.slice(0, 8), (page - 1) * 4096)
  bytes.write('ffffffff', at)
  writeFileSync(file, bytes)

  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const second = await testEngine({ folder })
  vi.advanceTimersByTime(20_000)
  vi.useRealTimers()
  await second.untilLogged('database checked')
  for await (const { notices } of second.fusion.app.watch({})) {
    expect(notices).toMatchObject([{ failure: { code: 'database-repaired' } }])
    break
  }
})

test('a second engine on the same data folder is refused, and the first goes on', async () => {
  const { folder, fusion } = await testEngine()
  const second = createEngine({ folder, bundledModels: guideFolder, log: createLog({ level: 'debug', write: () => {} }), version: 'test' })
  const error = await second.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(Failure)
  expect(error).toMatchObject({ code: 'data-folder-in-use' })
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  expect((await ask(fusion, chat, conversationId, 'hello')).status).toBe('complete')
})

test('a prompt of 2 MB is kept whole and refused in words, while another chat goes on answering', async () => {
  const { fusion } = await testEngine()
  await fusion.settings.set({ sampling: greedy })
  const [large, small] = [newId(), newId()]
  const [largeChat, smallChat] = [await watchChat(fusion, large), await watchChat(fusion, small)]
  const text = 'Ein langer Satz über nichts. 漢字 😀 '.repeat(50_000)
  expect(Buffer.byteLength(text)).toBeGreaterThan(2_000_000)
  const refused = ask(fusion, largeChat, large, text)
  expect((await ask(fusion, smallChat, small, 'hello')).status).toBe('complete')
  expect(await refused).toMatchObject({ status: 'failed', failure: { code: 'prompt-too-long' } })
  expect(textOf(largeChat.path()[0]!) === text).toBe(true)
})

test('after a purge, no file of the data folder holds a word of the chat', async () => {
  const first = await testEngine()
  const { folder, fusion } = first
  await fusion.settings.set({ sampling: { temperature: 0, maxTokens: 60 } })
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  const words = ['Zwetschgenknoedel', 'quokkafarm', '蝙蝠侠']
  const { attachment } = await fusion.attachments.add({ name: 'Murmeltierliste.txt', text: 'the marmot list: Murmelprotokoll' })
  await fusion.drafts.set({ conversationId, draft: { text: `a draft about ${words.join(' ')}`, attachments: [attachment] } })
  await fusion.turns.send({ conversationId, questionId: newId(), text: `Tell me about ${words.join(', ')}`, attachments: [attachment] })
  await chat.until('the answer', ({ messages }) =>
    [...messages.values()].some(message => message.role === 'assistant' && message.status === 'complete'),
  )
  await fusion.chats.rename({ conversationId, title: `All about ${words[0]}` })
  await fusion.drafts.set({ conversationId, draft: { text: `another draft about ${words[1]}`, attachments: [] } })
  const secret = [...words, 'Murmeltierliste', 'Murmelprotokoll']
  const namedAfterIt = () => readdirSync(folder, { recursive: true }).filter(name => String(name).includes(conversationId))
  // Closing keeps the chat's KV state, which is the chat in another form.
  await first.close()
  expect([filesWith(folder, secret), namedAfterIt()]).not.toContainEqual([])

  const second = await testEngine({ folder })
  await expect(second.fusion.chats.purge({ conversationId })).rejects.toMatchObject({ code: 'not-in-trash' })
  await second.fusion.chats.trash({ conversationId })
  await second.fusion.chats.purge({ conversationId })
  expect([filesWith(folder, secret), namedAfterIt()]).toEqual([[], []])
  expect([...first.logged, ...second.logged].filter(line => secret.some(word => line.includes(word)))).toEqual([])
})

test('a draft and its attachment survive a restart of the engine', async () => {
  const first = await testEngine()
  const conversationId = newId()
  const { attachment } = await first.fusion.attachments.add({ name: 'notes.txt', text: 'some notes' })
  await first.fusion.drafts.set({ conversationId, draft: { text: 'half a thought', attachments: [attachment] } })
  await first.close()
  const second = await testEngine({ folder: first.folder })
  const chat = await watchChat(second.fusion, conversationId)
  expect(chat.events[0]).toMatchObject({
    type: 'chat-opened',
    conversation: null,
    draft: { text: 'half a thought', attachments: [attachment] },
  })
  expect(await second.fusion.attachments.read({ hash: attachment.hash })).toEqual({ text: 'some notes' })
})

test('a reopened chat brings its state from the disk, in a file that nobody else may read', async () => {
  const first = await testEngine()
  await first.fusion.settings.set({ sampling: greedy })
  const conversationId = newId()
  const chat = await watchChat(first.fusion, conversationId)
  const before = await ask(first.fusion, chat, conversationId, 'hello '.repeat(60))
  await first.close()
  const states = join(first.folder, 'states')
  const modes = readdirSync(states).map(name => statSync(join(states, name)).mode & 0o777)
  expect(new Set(modes)).toEqual(new Set([0o600]))

  const second = await testEngine({ folder: first.folder })
  const again = await watchChat(second.fusion, conversationId)
  const answer = await ask(second.fusion, again, conversationId, 'How do I delete a chat?')
  expect(answer.segments[0]!.cachedTokens).toBeGreaterThan(before.segments[0]!.promptTokens)
})

test('a draft is computed while it is typed, so that Send has little left to do', async () => {
  const { fusion, untilLogged } = await testEngine()
  await fusion.settings.set({ sampling: greedy })
  const conversationId = newId()
  const chat = await watchChat(fusion, conversationId)
  const text = 'one two three four five '.repeat(20)
  await fusion.drafts.set({ conversationId, draft: { text, attachments: [] } })
  await untilLogged('draft prefilled')
  const { segments } = await ask(fusion, chat, conversationId, text)
  expect(segments[0]!.promptTokens - segments[0]!.cachedTokens).toBeLessThan(8)
})

test('a state that is not what it says is thrown away, and the answer is made without it', async () => {
  const first = await testEngine()
  await first.fusion.settings.set({ sampling: greedy })
  const conversationId = newId()
  const chat = await watchChat(first.fusion, conversationId)
  await ask(first.fusion, chat, conversationId, 'hello')
  await first.close()
  for (const name of readdirSync(join(first.folder, 'states'))) {
    const file = join(first.folder, 'states', name)
    const bytes = readFileSync(file)
    writeFileSync(file, bytes.fill(0x5a, Math.floor(bytes.length / 2)))
  }
  const second = await testEngine({ folder: first.folder })
  const again = await watchChat(second.fusion, conversationId)
  expect(await ask(second.fusion, again, conversationId, 'How do I delete a chat?')).toMatchObject({
    status: 'complete',
    segments: [{ cachedTokens: 0 }],
  })
})

function mount(folder: string, size: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'fusion-test', folder])
  onTestFinished(() => void execFileSync('umount', ['-l', folder]))
}

/** Takes all the room there is; emptying the file it returns gives it back. */
function fill(folder: string): string {
  mkdirSync(join(folder, 'filler'), { recursive: true })
  const file = join(folder, 'filler', 'file')
  const { bavail, bsize } = statfsSync(folder)
  for (let bytes = bavail * bsize; bytes >= 512; bytes = Math.floor(bytes / 2)) {
    try {
      writeFileSync(file, Buffer.alloc(bytes), { flag: 'a' })
    } catch {
      // Less than that is free: try half.
    }
  }
  return file
}
