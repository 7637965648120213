import { Counter, type Registry } from 'prom-client'
import type { SharedRedis } from './redis.ts'

const figures = {
  answered: ['fusion_redis_answers_total', 'What Redis was asked and answered.'],
  refused: ['fusion_redis_refusals_total', 'What was done without Redis, because it was gone.'],
  outages: ['fusion_redis_outages_total', 'How often Redis went.'],
} as const

export function measureRedis(registry: Registry, redis: Pick<SharedRedis, 'counts'>): void {
  for (const [count, [name, help]] of Object.entries(figures)) {
    const counter = new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        counter.reset()
        counter.inc(redis.counts()[count as keyof typeof figures])
      },
    })
  }
}
