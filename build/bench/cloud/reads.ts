import type { Row } from '../report.ts'
import { written } from './load.ts'
import { loads } from './loads.ts'
import type { CloudSetting } from './setting.ts'

/** The newest 50 messages of a conversation of 1,000, by all at once. */
export async function reads({ quick, cloud, bare, writers }: CloudSetting): Promise<Row[]> {
  return loads(`${writers.length} people read a page of 50 messages`, {
    quick,
    ours: {
      port: cloud.port,
      askers: () =>
        writers.map(({ conversationId, accessToken }) => {
          const request = written('GET', `/v1/conversations/${conversationId}/messages`, { token: accessToken })
          return { next: () => request }
        }),
    },
    reference: {
      port: bare.port,
      askers: () =>
        writers.map(({ userId, conversationId }) => {
          const request = written('GET', `/users/${userId}/conversations/${conversationId}/messages`, {})
          return { next: () => request }
        }),
    },
    goal: { of: 'ratio', sense: 'at least', value: 0.6 },
  })
}
