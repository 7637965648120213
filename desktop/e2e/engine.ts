import { join } from 'node:path'
import type { ChatEvent } from '@fusion/shared/contract/engine.ts'
import { type Headless, startHeadless } from '../engine/testing/headless.ts'

/** The second model of the tests: the guide before quantization. */
export const otherModel = join(import.meta.dirname, '../../models/guide/testing/guide-f16.gguf')

/** Starts the real engine on a data folder. */
export const startEngine = (home: string, port = 0): Promise<Headless> =>
  startHeadless(home, { env: { FUSION_PORT: String(port), FUSION_LOG: 'warn' } })

/** The only chat of an engine, as it is on disk: over a connection of its own, whatever the page shows. */
export async function writtenChat(engine: Headless): Promise<Extract<ChatEvent, { type: 'chat-opened' }>> {
  const { fusion, close } = await engine.connect()
  try {
    for await (const part of fusion.chats.list({})) {
      if (part.type !== 'list-part') continue
      for await (const opened of fusion.chats.open({ conversationId: part.conversations[0]!.id })) {
        if (opened.type === 'chat-opened') return opened
      }
    }
    throw new Error('there is no chat')
  } finally {
    close()
  }
}
