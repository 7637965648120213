import { newId } from '@fusion/shared/contract/ids.ts'
import type { Row } from '../report.ts'
import { type Asker, written } from './load.ts'
import { loads } from './loads.ts'
import type { CloudSetting } from './setting.ts'

/** One message after the other, each answering the one before, by all at once: each in a conversation of their own. */
export async function writes({ quick, cloud, bare, writers }: CloudSetting): Promise<Row[]> {
  // Heads stay where the last write of either side put them, so that each moves them along.
  const heads = new Map<string, string | null>(writers.map(({ conversationId }) => [conversationId, null]))
  const asker = (conversationId: string, path: string, token?: string): Asker => ({
    next() {
      const id = newId()
      const parentId = heads.get(conversationId) ?? null
      heads.set(conversationId, id)
      const parts = [{ type: 'text', text: 'Some words of a paragraph. '.repeat(12) }]
      const body = JSON.stringify({ id, parentId, role: 'user', parts })
      return written('POST', path, { body, ...(token !== undefined && { token }) })
    },
  })
  return loads(`${writers.length} people write messages`, {
    quick,
    ours: {
      port: cloud.port,
      askers: () =>
        writers.map(({ conversationId, accessToken }) =>
          asker(conversationId, `/v1/conversations/${conversationId}/messages`, accessToken),
        ),
    },
    reference: {
      port: bare.port,
      askers: () =>
        writers.map(({ userId, conversationId }) => asker(conversationId, `/users/${userId}/conversations/${conversationId}/messages`)),
    },
    goal: { of: 'ratio', sense: 'at least', value: 0.4 },
  })
}
