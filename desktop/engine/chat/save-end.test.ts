import { failure } from '@fusion/shared/contract/failures.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { expect, test } from 'vitest'
import { openStorage } from '../storage/storage.ts'
import type { Finish } from '../storage/messages.ts'
import { testFolder } from '../testing/test-engine.ts'
import { saveEnd } from './save-end.ts'

const end: Finish = { status: 'complete', segments: [], finishReason: 'stop', failure: null, leftOut: null }

/** A growing message in a real store, which refuses to finish it as often as is said. */
async function growing(refusals: number, refusal: unknown) {
  const storage = openStorage({ folder: await testFolder() })
  const [conversationId, id] = [newId(), newId()]
  storage.conversations.create({ id: conversationId, title: 'a chat' })
  storage.messages.begin({
    ...end,
    id,
    conversationId,
    parentId: null,
    role: 'assistant',
    parts: [],
    status: 'growing',
    finishReason: null,
    createdAt: Date.now(),
  })
  const troubles: string[] = []
  const abandon = new AbortController()
  const saved = saveEnd({
    end,
    abandon: abandon.signal,
    retryMs: 1,
    onTrouble({ code }) {
      troubles.push(code)
      if (troubles.length === 100) abandon.abort()
    },
    save(wished) {
      if (refusals-- > 0) throw refusal
      return storage.messages.finish(id, wished)
    },
  })
  return { saved: saved.finally(() => storage.close()), troubles }
}

test('an answer that finds the disk full is saved when there is room, however long that takes, and says that it had to wait', async () => {
  const { saved, troubles } = await growing(20, failure('disk-full'))
  expect(await saved).toMatchObject({ status: 'failed', failure: { code: 'disk-full' }, finishReason: null })
  expect(troubles).toHaveLength(20)
})

test('who closes the engine, or deletes the chat for good, does not wait for room on the disk', async () => {
  const { saved, troubles } = await growing(Infinity, failure('disk-full'))
  await expect(saved).rejects.toMatchObject({ code: 'disk-full' })
  expect(troubles).toHaveLength(100)
})

test('an answer whose chat is gone is not tried again', async () => {
  const { saved, troubles } = await growing(Infinity, failure('not-found'))
  await expect(saved).rejects.toMatchObject({ code: 'not-found' })
  expect(troubles).toEqual([])
})
