// What of a request holds when its answer goes on at another server, parameter by parameter. docs/routing.md shows this table.

/**
 * `same`: it means the same there. `rest`: what is left of it. `prompt`: it shaped the prompt, which is sent in tokens. `ours`: the servers do not see
 * it. `stop`: we look for the stop strings ourselves, since one may lie across the cut. A list: only with one of these values (absent and null always
 * hold); with any other nothing is gone on with. What does not stand here is refused, since nobody knows what it would mean.
 */
type Carried = 'same' | 'rest' | 'prompt' | 'ours' | 'stop' | readonly unknown[]

export const parameters: Readonly<Record<string, Carried>> = {
  model: 'same',
  temperature: 'same',
  top_p: 'same',
  top_k: 'same',
  min_p: 'same',
  repetition_penalty: 'same',
  logit_bias: 'same',
  allowed_token_ids: 'same',
  stop_token_ids: 'same',
  ignore_eos: 'same',
  skip_special_tokens: 'same',
  spaces_between_special_tokens: 'same',
  cache_salt: 'same',
  user: 'same',
  max_tokens: 'rest',
  max_completion_tokens: 'rest',
  min_tokens: 'rest',
  messages: 'prompt',
  prompt: 'prompt',
  add_generation_prompt: 'prompt',
  continue_final_message: 'prompt',
  add_special_tokens: 'prompt',
  chat_template: 'prompt',
  chat_template_kwargs: 'prompt',
  documents: 'prompt',
  truncate_prompt_tokens: 'prompt',
  reasoning_effort: 'prompt',
  stream: 'ours',
  stream_options: 'ours',
  return_token_ids: 'ours',
  service_tier: 'ours',
  metadata: 'ours',
  store: 'ours',
  safety_identifier: 'ours',
  prompt_cache_key: 'ours',
  parallel_tool_calls: 'ours',
  include_reasoning: 'ours',
  stop: 'stop',
  // Counted over the answer alone, a part of which is prompt by then.
  presence_penalty: [0],
  frequency_penalty: [0],
  // A generator of random numbers can't be moved; without draws it is not asked.
  seed: [],
  n: [1],
  best_of: [1],
  use_beam_search: [false],
  echo: [false],
  suffix: [''],
  // Their places and shapes differ between the two routes.
  logprobs: [false],
  top_logprobs: [0],
  prompt_logprobs: [],
  // The state of a grammar, or of a reader of tool calls, is the server's own.
  response_format: [],
  structured_outputs: [],
  guided_json: [],
  guided_regex: [],
  guided_choice: [],
  guided_grammar: [],
  tools: [],
  tool_choice: ['none'],
  functions: [],
  function_call: ['none'],
  bad_words: [],
  include_stop_str_in_output: [false],
}

const isNothing = (value: unknown): boolean => value === undefined || value === null || (Array.isArray(value) && value.length === 0)

/** The parameter for which another server can't go on exactly; undefined where it can. */
export function refusedParameter(body: Readonly<Record<string, unknown>>): string | undefined {
  return Object.entries(body).find(([name, value]) => !isNothing(value) && !holds(name, value, body))?.[0]
}

function holds(name: string, value: unknown, body: Readonly<Record<string, unknown>>): boolean {
  const carried = Object.hasOwn(parameters, name) ? parameters[name]! : []
  if (typeof carried === 'string') {
    // Stop strings are not looked for before so many tokens, and we do not count within text.
    return carried !== 'stop' || isNothing(body['min_tokens']) || body['min_tokens'] === 0
  }
  if (carried.includes(value)) return true
  if (name === 'seed') return body['temperature'] === 0
  if (name === 'response_format') return (value as { type?: unknown }).type === 'text'
  // They stand in the prompt, and are not called.
  return (name === 'tools' && body['tool_choice'] === 'none') || (name === 'functions' && body['function_call'] === 'none')
}

/** The request for the rest of an answer of which `made` tokens are there. */
export function restOf(body: Readonly<Record<string, unknown>>, made: number): Record<string, unknown> {
  const rest: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(body)) {
    const carried = parameters[name]
    if (carried === 'same') rest[name] = value
    if (carried === 'rest' && typeof value === 'number')
      rest[name === 'max_completion_tokens' ? 'max_tokens' : name] = Math.max(0, value - made)
  }
  return rest
}

/** The stop strings of a request. */
export const stopsOf = ({ stop }: Readonly<Record<string, unknown>>): string[] =>
  (Array.isArray(stop) ? stop : [stop]).filter((one): one is string => typeof one === 'string' && one !== '')
