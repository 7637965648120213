import { resolve } from 'node:path'
import type { Conversation } from '@fusion/shared/chat/conversation.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { type Given, WrongUse } from '../arguments.ts'
import type { Tools } from '../command.ts'
import { type OpenEngine, withEngine } from '../engine/open-engine.ts'
import { count } from '../in-words.ts'
import { exportJson } from './json-file.ts'
import { exportMarkdownFiles } from './markdown-files.ts'
import { newFile, newFolder, standardOutput } from './place.ts'

/** Chats one after the other, as the list tells them. One that was deleted meanwhile is left out. */
export type Chats = (take: (conversation: Conversation) => Promise<void>) => Promise<void>

export async function exportChats(given: Given, tools: Tools): Promise<void> {
  const { terminal, signal } = tools
  if (given.words[0] !== undefined)
    throw new WrongUse(`Nothing is expected here: ${JSON.stringify(given.words[0])}. The place is --output.`)
  const format = given.text('format') ?? 'markdown'
  if (format !== 'markdown' && format !== 'json') {
    throw new WrongUse(`--format must be markdown or json; it is ${JSON.stringify(format)}.`)
  }
  const output = given.text('output')
  const toOutput = output === '-'
  if (toOutput && format === 'markdown') throw new WrongUse('Markdown is one file for each chat: --output wants a folder.')
  const name = output ?? `fusion-chats-${new Date().toISOString().slice(0, 10)}${format === 'json' ? '.json' : ''}`
  const path = resolve(name)

  const place = toOutput ? standardOutput(terminal) : format === 'json' ? await newFile(path) : await newFolder(path)
  let done = 0
  try {
    await withEngine(tools, async engine => {
      const chats: Chats = take =>
        eachChat(engine, given.flag('trash'), signal, async conversation => {
          await take(conversation)
          terminal.progress(`Exported ${count(++done, 'chat')} …`)
        })
      if ('write' in place) await exportJson(engine.fusion, chats, place, signal)
      else await exportMarkdownFiles(engine.fusion, chats, place.folder, signal)
    })
    await place.finish()
  } catch (error) {
    await place.leave()
    throw error
  }
  if (!toOutput) await terminal.print(`Exported ${count(done, 'chat')} to ${path}`)
}

async function eachChat(
  { fusion }: OpenEngine,
  withTrash: boolean,
  signal: AbortSignal,
  take: (conversation: Conversation) => Promise<void>,
) {
  for await (const event of fusion.chats.list({}, { signal })) {
    if (event.type === 'list-complete') return
    if (event.type !== 'list-part') continue
    for (const conversation of event.conversations) {
      if (conversation.life === 'trash' && !withTrash) continue
      await take(conversation).catch((error: unknown) => {
        if (!(error instanceof Failure) || error.code !== 'not-found') throw error
      })
    }
  }
}
