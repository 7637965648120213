import type { EngineContract } from '@fusion/shared/contract/engine.ts'
import type { Folder } from '@fusion/shared/chat/conversation.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Client } from '@fusion/shared/rpc/contract.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { json } from '../harmless.ts'
import type { Chats } from './export.ts'
import type { FilePlace } from './place.ts'

/**
 * One object: `chats`, each with its `messages` of all branches (a tree by `parentId`; `headId` is the end of the branch that is shown),
 * `folders`, and `attachments`, the text of each attached file by its hash. Written as it comes.
 */
export async function exportJson(fusion: Client<EngineContract>, chats: Chats, place: FilePlace, signal: AbortSignal): Promise<void> {
  const hashes = new Set<string>()
  await place.write(`{"format":"fusion-chats","version":1,"exportedAt":${json(new Date().toISOString())},\n"chats":[`)
  let before = '\n'
  await chats(async conversation => {
    const parts = fusion.chats.branches({ conversationId: conversation.id }, { signal })
    // Asked before anything of the chat is written: it may be gone.
    let part = await parts.next()
    await place.write(`${before}${json(conversation).slice(0, -1)},"messages":[`)
    before = ',\n'
    let comma = ''
    for (; !part.done; part = await parts.next()) {
      for (const message of part.value.messages) {
        for (const each of message.parts) if (each.type === 'attachment') hashes.add(each.hash)
        await place.write(`${comma}\n ${json(message)}`)
        comma = ','
      }
    }
    await place.write(']}')
  })
  await place.write(`],\n"folders":${json(await foldersOf(fusion, signal))},\n"attachments":{`)
  before = '\n'
  for (const hash of hashes) {
    const text = await readAttachment(fusion, hash, signal)
    if (text === undefined) continue
    await place.write(`${before}${json(hash)}:${json(text)}`)
    before = ',\n'
  }
  await place.write('}}\n')
}

async function foldersOf(fusion: Client<EngineContract>, signal: AbortSignal): Promise<Folder[]> {
  for await (const event of fusion.chats.list({}, { signal })) if (event.type === 'list-complete') return event.folders
  throw failure('cancelled')
}

async function readAttachment(fusion: Client<EngineContract>, hash: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await fusion.attachments.read({ hash }, { signal })).text
  } catch (error) {
    if (error instanceof Failure && error.code === 'not-found') return undefined
    throw error
  }
}
