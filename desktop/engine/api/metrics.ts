import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { GenerateEvent } from '@fusion/shared/contract/inference.ts'
import type { Models } from '../models/models.ts'
import { modelNames } from './model-names.ts'
import type { Queue } from './queue.ts'

/** One request, from its coming to its end. */
export interface Measured {
  take(event: GenerateEvent): void
  end(): void
}

/** What `/metrics` tells, in vLLM's names, so that what watches vLLM servers watches this one. */
export interface Metrics {
  begin(modelName: string): Measured
  /** Tokens per second of all requests over the last ten seconds. */
  tokensPerSecond(): number
  text(): Promise<string>
  readonly contentType: string
}

/** In seconds, vLLM's own. */
const firstTokenBuckets = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640]
const latencyBuckets = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920]
const tokenBuckets = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5]

const RATE_MS = 10_000

export function createMetrics({
  models,
  queue,
  now = () => performance.now(),
}: {
  models: Models
  queue: Queue
  now?: () => number
}): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const labelNames = ['model_name'] as const
  const running = new Gauge({ name: 'vllm:num_requests_running', help: 'Requests being computed.', labelNames, registers })
  const waiting = new Gauge({ name: 'vllm:num_requests_waiting', help: 'Requests that wait for their turn.', labelNames, registers })
  const kvUse = new Gauge({ name: 'vllm:kv_cache_usage_perc', help: 'Part of the KV cache in use; 1 is all.', labelNames, registers })
  const promptTokens = new Counter({ name: 'vllm:prompt_tokens_total', help: 'Tokens of prompts.', labelNames, registers })
  const answerTokens = new Counter({ name: 'vllm:generation_tokens_total', help: 'Tokens of answers.', labelNames, registers })
  const cachedTokens = new Counter({
    name: 'vllm:prefix_cache_hits_total',
    help: 'Tokens of prompts that needed no computing.',
    labelNames,
    registers,
  })
  const finished = new Counter({
    name: 'vllm:request_success_total',
    help: 'Requests by how they ended.',
    labelNames: ['model_name', 'finished_reason'],
    registers,
  })
  const firstToken = new Histogram({
    name: 'vllm:time_to_first_token_seconds',
    help: 'From the coming of a request to its first token.',
    labelNames,
    buckets: firstTokenBuckets,
    registers,
  })
  const perToken = new Histogram({
    name: 'vllm:time_per_output_token_seconds',
    help: 'Time of a token after the first, by request.',
    labelNames,
    buckets: tokenBuckets,
    registers,
  })
  const latency = new Histogram({
    name: 'vllm:e2e_request_latency_seconds',
    help: 'From the coming of a request to its end.',
    labelNames,
    buckets: latencyBuckets,
    registers,
  })
  let recent: { at: number; tokens: number }[] = []

  async function scrape(): Promise<void> {
    for (const gauge of [running, waiting, kvUse]) gauge.reset()
    for (const [name, { id }] of modelNames(models.state().entries)) {
      const load = queue.load(id)
      running.set({ model_name: name }, load.running)
      waiting.set({ model_name: name }, load.waiting)
      const stats = await models.stats(id)?.catch(() => undefined)
      kvUse.set({ model_name: name }, stats && stats.capacityTokens > 0 ? stats.usedTokens / stats.capacityTokens : 0)
    }
  }

  return {
    contentType: registry.contentType,
    begin(modelName) {
      const labels = { model_name: modelName }
      const startedAt = now()
      let firstAt: number | undefined
      let lastAt = startedAt
      let tokens = 0
      let reason = 'abort'
      function count(added: number): void {
        lastAt = now()
        if (firstAt === undefined) {
          firstAt = lastAt
          firstToken.observe(labels, (firstAt - startedAt) / 1000)
        }
        tokens += added
        answerTokens.inc(labels, added)
        recent.push({ at: lastAt, tokens: added })
        if (recent.length > 1000) recent = recent.filter(({ at }) => at > lastAt - RATE_MS)
      }
      return {
        take(event) {
          if (event.type === 'prompt-ready') {
            promptTokens.inc(labels, event.promptTokens)
            cachedTokens.inc(labels, event.cachedTokens)
          } else if (event.type === 'text-delta' || event.type === 'tool-call-delta') count(event.tokens)
          else if (event.type === 'answer-finished') reason = event.reason === 'length' || event.reason === 'window' ? 'length' : 'stop'
        },
        end() {
          finished.inc({ ...labels, finished_reason: reason })
          latency.observe(labels, (now() - startedAt) / 1000)
          if (firstAt !== undefined && tokens > 1) perToken.observe(labels, (lastAt - firstAt) / 1000 / (tokens - 1))
        },
      }
    },
    tokensPerSecond() {
      const from = now() - RATE_MS
      recent = recent.filter(({ at }) => at > from)
      return (recent.reduce((sum, { tokens }) => sum + tokens, 0) * 1000) / RATE_MS
    },
    async text() {
      await scrape()
      return registry.metrics()
    },
  }
}
