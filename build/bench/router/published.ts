// What others published, and what the simulation takes from it. Sources: llm-d (github.com/llm-d/llm-d), guides/precise-prefix-cache-routing:
// `modelserver/gpu/vllm/base/patch-vllm.yaml`, `benchmark-templates/guide.yaml`, and the tables of its report for vLLM, of July 2026.
import type { EngineShape } from '../../../cloud/testing/mock-engine.ts'

/** Qwen3-32B (BF16) on two H100 (80 GB) with tensor parallelism, vLLM 0.19 with `--block-size=64 --gpu-memory-utilization=0.95`. */
export const shape: EngineShape = {
  // vLLM's own for an API server on H100.
  maxSequences: 1024,
  batchTokens: 8192,
  blockTokens: 64,
  // Of each GPU 0.95 · 79.1 GiB, less 30.5 of weights and 3 of activations and graphs, at 128 KiB a token (64 layers, 4 of 8 KV heads, 128, K and V,
  // 2 bytes): 341,000 tokens. The same sum at 0.9 gives the 308,000 of which llm-d's blog says that 1.8 million tokens are 73 % of eight.
  cacheBlocks: 5_325,
  // `peakPrefillThroughput: 15926` tokens/s, measured by llm-d on these servers with one chunk of 8,192 tokens.
  prefillMsPerToken: 1000 / 15_926,
  // Fitted to time per token in stage reports of the guide: 20.7 ms at 10 requests/s (24 sequences a server), 63 ms at 60 (187, those included that were
  // computed again). 65.5 GB of weights at 80 % of two times 3.35 TB/s are 12.2 ms.
  stepMs: 14,
  decodeMsPerSequence: 0.25,
}

export const SERVERS = 8

export const workload = {
  tenants: 150,
  prefixTokens: 6_000,
  questionsPerTenant: 5,
  questionTokens: 1_200,
  answerTokens: 1_000,
}

/** Requests per second and for how many seconds; the first one is to warm up. A stage begins when all of the one before are answered. */
export const stages = [
  { rate: 15, seconds: 50 },
  { rate: 3, seconds: 20 },
  { rate: 10, seconds: 20 },
  { rate: 20, seconds: 38 },
  { rate: 30, seconds: 25 },
  { rate: 40, seconds: 38 },
  { rate: 49, seconds: 30 },
  { rate: 60, seconds: 25 },
]

/** Output tokens/s and p90 of the time to the first token in seconds, as measured by llm-d: round robin, and its router. */
export const measured: Record<number, { roundRobin: [number, number]; llmd: [number, number] }> = {
  3: { roundRobin: [1_442, 0.51], llmd: [2_035, 0.18] },
  10: { roundRobin: [4_386, 0.94], llmd: [5_215, 0.19] },
  20: { roundRobin: [6_339, 34.94], llmd: [10_907, 0.3] },
  30: { roundRobin: [5_931, 43.9], llmd: [12_292, 0.19] },
  40: { roundRobin: [6_762, 127.31], llmd: [14_817, 0.26] },
  49: { roundRobin: [6_512, 131.12], llmd: [14_428, 0.25] },
  60: { roundRobin: [6_589, 135.55], llmd: [14_545, 0.26] },
}
