import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Conversation } from '@fusion/shared/chat/conversation.ts'
import type { Message } from '@fusion/shared/chat/message.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { expect, test } from 'vitest'
import { testEngine, testFolder, watchChat } from '../../engine/testing/test-engine.ts'
import { runFusion } from '../testing/run-fusion.ts'
import { createNames } from './markdown-files.ts'

interface Exported {
  format: string
  chats: (Conversation & { messages: Message[] })[]
  folders: { name: string }[]
  attachments: Record<string, string>
}

/** A data folder with these chats, the first one oldest: each with one question, its answer, and a second answer beside it. */
async function homeWith(titles: string[]): Promise<string> {
  const { fusion, folder, close } = await testEngine()
  for (const title of titles) {
    const conversationId = newId()
    const chat = await watchChat(fusion, conversationId)
    const { attachment } = await fusion.attachments.add({ name: 'notes.txt', text: `Notes of ${title}` })
    await fusion.turns.send({ conversationId, questionId: newId(), text: `About ${title}`, attachments: [attachment] })
    await chat.until('the answer', ({ path }) => path()[1]?.status === 'complete')
    await fusion.turns.answer({ conversationId, messageId: chat.path()[1]!.id })
    await chat.until('the second answer', ({ messages, path }) => messages.size === 3 && path()[1]?.status === 'complete')
    await fusion.chats.rename({ conversationId, title })
    chat.leave()
  }
  await fusion.folders.add({ name: 'Work' })
  await close()
  return folder
}

test('Markdown has one file for each chat, under safe names that are told apart, for the owner alone', async () => {
  const home = await homeWith(['Rome', '../rome', 'Rome'])
  const output = join(await testFolder(), 'chats')
  const ended = await runFusion(['export', '--output', output], { home })
  expect(ended).toMatchObject({ code: 0, stderr: '', stdout: `Exported 3 chats to ${output}\n` })
  // The chat that was used last comes first.
  expect(readdirSync(output).toSorted()).toEqual(['Rome-3.md', 'Rome.md', 'rome-2.md'])
  const texts = readdirSync(output).map(name => readFileSync(join(output, name), 'utf8'))
  expect(texts).toHaveLength(3)
  for (const text of texts)
    expect(text).toMatch(/^# (\.\.\/rome|Rome)\n\n## You\n\n\*Attached: notes\.txt\*\n\nAbout .*\n\n## Assistant \(Fusion Guide/s)
  expect([statSync(output).mode & 0o777, statSync(join(output, readdirSync(output)[0]!)).mode & 0o777]).toEqual([0o700, 0o600])
})

test('JSON has all branches, the folders and the attached texts in one file', async () => {
  const home = await homeWith(['Rome', 'Oslo'])
  const output = join(await testFolder(), 'chats.json')
  const ended = await runFusion(['export', '--format', 'json', '--output', output], { home })
  expect(ended).toMatchObject({ code: 0, stderr: '', stdout: `Exported 2 chats to ${output}\n` })
  expect(statSync(output).mode & 0o777).toBe(0o600)
  const exported = JSON.parse(readFileSync(output, 'utf8')) as Exported
  expect(exported).toMatchObject({ format: 'fusion-chats', version: 1, folders: [{ name: 'Work' }] })
  expect(exported.chats.map(({ title }) => title)).toEqual(['Oslo', 'Rome'])
  for (const { title, messages, headId } of exported.chats) {
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'assistant'])
    expect(messages.filter(({ parentId }) => parentId === messages[0]!.id)).toHaveLength(2)
    expect(messages.map(({ id }) => id)).toContain(headId)
    const attached = messages[0]!.parts.find(part => part.type === 'attachment')
    expect(exported.attachments[attached!.hash]).toBe(`Notes of ${title}`)
  }
  const piped = await runFusion(['export', '--format', 'json', '--output', '-'], { home })
  expect((JSON.parse(piped.stdout) as Exported).chats).toEqual(exported.chats)
})

test('chats in the trash are left out, unless they are asked for', async () => {
  const home = await homeWith(['Rome', 'Oslo'])
  const { fusion, close } = await testEngine({ folder: home })
  const { value } = await fusion.chats.list({}).next()
  const oslo = value?.type === 'list-part' ? value.conversations[0]! : undefined
  await fusion.chats.trash({ conversationId: oslo!.id })
  await close()
  const titles = async (...args: string[]) => {
    const { stdout } = await runFusion(['export', '--format', 'json', '--output', '-', ...args], { home })
    return (JSON.parse(stdout) as Exported).chats.map(({ title }) => title).toSorted()
  }
  expect([await titles(), await titles('--trash')]).toEqual([['Rome'], ['Oslo', 'Rome']])
})

test('nothing is written over, and nothing is left of an export that failed', async () => {
  const home = await testFolder()
  const folder = await testFolder()
  writeFileSync(join(folder, 'mine.json'), 'mine')
  mkdirSync(join(folder, 'empty'))
  mkdirSync(join(folder, 'empty.part'))
  writeFileSync(join(folder, 'empty.part/notes.md'), 'mine')
  writeFileSync(join(folder, 'new.json.part'), 'mine', { mode: 0o666 })
  const run = (...args: string[]) => runFusion(['export', ...args], { home, cwd: folder })
  const there = await run('--format', 'json', '--output', 'mine.json')
  expect(there).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('mine.json is there already. Name another place') })
  expect((await run('--output', '.')).stderr).toContain('is there already.')
  expect((await run('--output', 'mine.json/chats')).stderr).toMatch(/^.*mine\.json\/chats could not be written\. Choose a place/)
  expect(await run('--output', 'empty')).toMatchObject({ code: 0, stderr: '' })
  expect(await run('--format', 'json', '--output', 'new.json')).toMatchObject({ code: 0, stderr: '' })
  expect(statSync(join(folder, 'new.json')).mode & 0o777).toBe(0o600)
  for (const mine of ['mine.json', 'empty.part/notes.md', 'new.json.part']) expect(readFileSync(join(folder, mine), 'utf8')).toBe('mine')
  expect(readdirSync(folder).toSorted()).toEqual(['empty', 'empty.part', 'mine.json', 'new.json', 'new.json.part'])
})

test.for<[string[], string]>([
  [['--format', 'html'], '--format must be markdown or json; it is "html". See fusion help export.'],
  [['--output', '-'], 'Markdown is one file for each chat: --output wants a folder. See fusion help export.'],
  [['chats'], 'Nothing is expected here: "chats". The place is --output. See fusion help export.'],
])('export %j is refused in a sentence', async ([args, words]) => {
  expect(await runFusion(['export', ...args], { home: await testFolder() })).toMatchObject({ code: 2, stdout: '', stderr: `${words}\n` })
})

test('no two names are the same for a file system that does not tell large letters from small ones', () => {
  const freeName = createNames()
  const names = ['A.md', 'a.md', 'A-2.md', 'a.md', 'ﬁ.md', 'fi.md'].map(freeName)
  expect(names).toEqual(['A.md', 'a-2.md', 'A-2-2.md', 'a-3.md', 'ﬁ.md', 'fi-2.md'])
})
