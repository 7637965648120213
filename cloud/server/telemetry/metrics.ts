// All figures of the cloud, in one place: a feature counts on what stands here, and adds its own line.
import type { Code } from '@fusion/shared/contract/failures.ts'
import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Database } from '../../database/connection.ts'

export type Metrics = ReturnType<typeof createMetrics>

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Metrics
  }
}

/** A registry for one server: names begin with `fusion_`, times are seconds; labels are names of ours, never what people wrote. */
export function createMetrics({ database }: { database: Pick<Database, 'pool'> }) {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const connections = new Gauge({
    name: 'fusion_database_connections',
    help: 'Connections to the database that are in use, that are idle, and requests that wait for one.',
    labelNames: ['state'],
    registers,
    collect() {
      const { total, idle, waiting } = database.pool()
      connections.set({ state: 'used' }, total - idle)
      connections.set({ state: 'idle' }, idle)
      connections.set({ state: 'waiting' }, waiting)
    },
  })
  return {
    registry,
    requestSeconds: new Histogram({
      name: 'fusion_request_seconds',
      help: 'From a request to the end of its reply, by route. A stream counts to its end.',
      labelNames: ['method', 'route', 'status'] as const,
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers,
    }),
    requestsInFlight: new Gauge({ name: 'fusion_requests_in_flight', help: 'Requests whose reply has not ended.', registers }),
    /** `code`: a failure's, or `internal` for a fault of the program. */
    failures: new Counter<'code'>({
      name: 'fusion_failures_total',
      help: 'Requests that failed, by why.',
      labelNames: ['code'],
      registers,
    }),
    /** `by`: user, key, organisation or address. */
    requestsOverLimit: new Counter({
      name: 'fusion_requests_over_limit_total',
      help: 'Requests that were refused because too many came, by whose limit.',
      labelNames: ['by'] as const,
      registers,
    }),
    /** `kind`: prompt, cached or completion. */
    tokens: new Counter({ name: 'fusion_tokens_total', help: 'Tokens read and made.', labelNames: ['model', 'kind'] as const, registers }),
    /** `end`: complete, stopped or failed. */
    generations: new Counter({
      name: 'fusion_generations_total',
      help: 'Answers that came to their end, by how.',
      labelNames: ['model', 'end'] as const,
      registers,
    }),
    usageRowsLost: new Counter({
      name: 'fusion_usage_rows_lost_total',
      help: 'Requests that are missing in the usage ledger.',
      registers,
    }),
    budgetDrifts: new Counter({
      name: 'fusion_budget_drifts_total',
      help: 'How often what was counted of a budget and what the ledger says differed by more than 1 %.',
      registers,
    }),
    engineDrifts: new Counter({
      name: 'fusion_engine_drifts_total',
      help: 'How often what a model server says it made and what its answers told differed by more than 1 %.',
      registers,
    }),
    /** `part`: database, cache, objects or models. */
    partsUp: new Gauge({
      name: 'fusion_part_up',
      help: 'Whether a part of the cloud answered when it was asked last.',
      labelNames: ['part'] as const,
      registers,
    }),
  }
}

/** How many answers are being written, asked whenever the figures are. */
export function measureGenerations({ registry }: Metrics, generations: { running: () => number }): void {
  const running = new Gauge({
    name: 'fusion_generations_running',
    help: 'Answers that are being written.',
    registers: [registry],
    collect() {
      running.set(generations.running())
    },
  })
}

export type FailureLabel = Code | 'internal' | 'wrong-request'

/** Counts and times all requests, by the template of their route: an address that is none of ours is one row, whatever it is. */
export function measureRequests(app: FastifyInstance, { requestSeconds, requestsInFlight }: Metrics): void {
  app.addHook('onRequest', (request, reply, done) => {
    requestsInFlight.inc()
    reply.raw.once('close', () => {
      requestsInFlight.dec()
      const { method } = request
      const route = request.routeOptions.config.described?.path
      const labels = { method: route ? method : 'other', route: route ?? 'none', status: String(reply.raw.statusCode) }
      requestSeconds.observe(labels, reply.elapsedTime / 1000)
    })
    done()
  })
}
