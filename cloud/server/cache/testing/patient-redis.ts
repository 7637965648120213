import { Cluster, Redis } from 'ioredis'
import type { SharedRedis } from '../redis.ts'

/**
 * For tests of what Redis does, on machines that may stand still for longer than a request waits for it: one that waits for as long as an
 * answer takes. Nothing is done in its place, and what it refuses is thrown. `url` as in `openRedis`.
 */
export function patientRedis(url: string): SharedRedis {
  const nodes = url.split(',').map(address => ({ host: '127.0.0.1', port: Number(new URL(address).port) }))
  const client = nodes.length > 1 ? new Cluster(nodes) : new Redis({ ...nodes[0]!, protocol: 2, disableClientInfo: true })
  return {
    state: () => 'connected',
    opened: Promise.resolve(),
    ask: work => work(client),
    counts: () => ({ answered: 0, refused: 0, outages: 0 }),
    async close() {
      client.disconnect()
    },
  }
}
