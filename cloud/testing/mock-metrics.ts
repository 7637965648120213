import type { EngineShape, MockEngine } from './mock-engine.ts'

/** `/metrics` as vLLM 0.32 writes it, those of its figures that this engine has. */
export function metricsText(model: string, engine: MockEngine, { blockTokens, cacheBlocks }: EngineShape): string {
  const labels = `{engine="0",model_name="${model}"}`
  const { promptTokens, madeTokens, prefixQueries, prefixHits, finished, preempted } = engine.figures
  const figures: [string, 'gauge' | 'counter', number][] = [
    ['num_requests_running', 'gauge', engine.running()],
    ['num_requests_waiting', 'gauge', engine.waiting()],
    ['kv_cache_usage_perc', 'gauge', engine.cacheUse()],
    ['prefix_cache_queries_total', 'counter', prefixQueries],
    ['prefix_cache_hits_total', 'counter', prefixHits],
    ['prompt_tokens_total', 'counter', promptTokens],
    ['generation_tokens_total', 'counter', madeTokens],
    ['num_preemptions_total', 'counter', preempted],
  ]
  const lines = figures.flatMap(([name, type, value]) => [`# TYPE vllm:${name} ${type}`, `vllm:${name}${labels} ${value}`])
  return [
    ...lines,
    '# TYPE vllm:request_success_total counter',
    `vllm:request_success_total{engine="0",finished_reason="stop",model_name="${model}"} ${finished}`,
    '# TYPE vllm:cache_config_info gauge',
    `vllm:cache_config_info{block_size="${blockTokens}",enable_prefix_caching="True",engine="0",num_gpu_blocks="${cacheBlocks}"} 1`,
    '',
  ].join('\n')
}
