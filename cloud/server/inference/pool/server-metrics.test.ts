import { expect, test } from 'vitest'
import { readServerMetrics } from './server-metrics.ts'

/** As vLLM 0.32 writes them. */
const TEXT = `# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="tiny"} 3.0
vllm:num_requests_running{engine="1",model_name="tiny"} 2.0
vllm:num_requests_waiting{engine="0",model_name="tiny"} 4.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="tiny",reason="capacity"} 4.0
vllm:generation_tokens_total{engine="0",model_name="tiny"} 120.0
vllm:generation_tokens_total{engine="1",model_name="tiny"} 3.0
vllm:cache_config_info{block_size="16",cache_dtype="auto",engine="0",num_gpu_blocks="2048",num_gpu_blocks_override="None"} 1.0
`

test("load and the size of the cache are read by vLLM's names, of all engines of a server together", () => {
  expect(readServerMetrics(TEXT)).toEqual({ running: 5, waiting: 4, cacheTokens: 32_768, madeTokens: 123 })
})

test('what is not of vLLM says nothing', () => {
  expect(readServerMetrics('')).toBeUndefined()
  expect(readServerMetrics('go_threads 7\n')).toBeUndefined()
  expect(readServerMetrics('vllm:num_requests_running NaN\n')).toBeUndefined()
  expect(readServerMetrics('vllm:num_requests_running{} 1\n')).toEqual({ running: 1, waiting: 0, cacheTokens: null, madeTokens: null })
})
