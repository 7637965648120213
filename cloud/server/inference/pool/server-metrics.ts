/** What vLLM's `/metrics` tells of a server's load and cache. */
export interface ServerMetrics {
  running: number
  waiting: number
  /** Of the prefix cache, in tokens; null where it is not told. */
  cacheTokens: number | null
  /** Tokens that it made since it was started; null where it is not told. */
  madeTokens: number | null
}

/** No server has so many of anything: what tells more is not to be reckoned with, or the choice among all servers would be of no number. */
const MOST = 1e15

/** Reads Prometheus text; undefined where it is not of a server that speaks vLLM's names. Several engines of one server are added up. */
export function readServerMetrics(text: string): ServerMetrics | undefined {
  let running: number | undefined
  let waiting = 0
  let cacheTokens: number | null = null
  let madeTokens: number | null = null
  for (const line of text.split('\n')) {
    if (!line.startsWith('vllm:')) continue
    const value = Number(line.slice(line.lastIndexOf(' ') + 1))
    const name = /^[\w:]+/.exec(line)?.[0]
    if (!(value >= 0 && value <= MOST)) continue
    if (name === 'vllm:num_requests_running') running = (running ?? 0) + value
    else if (name === 'vllm:num_requests_waiting') waiting += value
    else if (name === 'vllm:generation_tokens_total') madeTokens = (madeTokens ?? 0) + value
    else if (name === 'vllm:cache_config_info') {
      const told = (label: string) => Number(new RegExp(`[{,]${label}="(\\d{1,12})"`).exec(line)?.[1])
      const tokens = told('num_gpu_blocks') * told('block_size')
      if (tokens > 0) cacheTokens = (cacheTokens ?? 0) + tokens
    }
  }
  return running === undefined ? undefined : { running, waiting, cacheTokens, madeTokens }
}
