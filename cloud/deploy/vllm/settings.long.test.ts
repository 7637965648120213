// The settings held against real vLLM: all by its own argument parser, and a server on the CPU that is started by them, behind the gate.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startVllm, type Vllm, VLLM_MODEL, vllmIsHere, vllmPython } from '../../server/testing/vllm/vllm.ts'
import { readSettings } from './settings.ts'
import { type Gate, skipWithoutNginx, startGate } from './testing/gate.ts'

interface Launch {
  model: string
  gpu: string
  sleep: boolean
  speculative: string | null
  command: string[]
  environment: Record<string, string>
}

function run(file: string, { args = [], input = '' }: { args?: string[]; input?: string } = {}) {
  const { status, stdout, stderr } = spawnSync(vllmPython, [join(import.meta.dirname, file), ...args], {
    encoding: 'utf8',
    input,
    maxBuffer: 2 ** 26,
  })
  return { status, lines: stdout.trim().split('\n'), stderr: stderr.slice(-2000) }
}
const launches = () => run('serve.py', { args: ['--every'] }).lines.map(line => JSON.parse(line) as Launch)

describe.skipIf(!vllmIsHere())('the settings and real vLLM', () => {
  test('vLLM takes every launch that there is', () => {
    const { status, lines, stderr } = run('check.py')
    expect([status, lines.at(-1), stderr]).toEqual([
      0,
      `${launches().length} launches held against ${readSettings().checkedWith}: 0 wrong`,
      expect.anything(),
    ])
  })

  test('what vLLM would not take is found: a name, a choice, a number, a key of a speculation, a variable', () => {
    const [one] = launches()
    const wrong: [command: string[], environment: Record<string, string>, said: RegExp][] = [
      [['--enable-magic'], {}, /unrecognized arguments: --enable-magic/],
      [['--kv-cache-dtype', 'fp7'], {}, /invalid choice: 'fp7'/],
      [['--max-num-seqs', 'many'], {}, /max-num-seqs/],
      [['--speculative-config', '{"method":"ngram","num_tokens":4}'], {}, /vLLM knows no num_tokens/],
      [[], { VLLM_MAGIC: '1' }, /vLLM knows no VLLM_MAGIC/],
    ]
    const input = wrong
      .map(([more, environment]) => JSON.stringify({ ...one, command: [...one!.command, ...more], environment }))
      .join('\n')
    const { status, lines } = run('check.py', { args: ['-'], input })
    expect(status).toBe(1)
    const told = lines.filter(line => line.startsWith(`${one!.model} on ${one!.gpu}: `))
    expect(told).toHaveLength(wrong.length)
    for (const [index, [, , said]] of wrong.entries()) expect(told[index]).toMatch(said)
  })

  test('compose.yml is read as it is meant: no server has a port, each is in the network of its gate', () => {
    const { stdout } = spawnSync(
      vllmPython,
      ['-c', 'import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))', join(import.meta.dirname, 'compose.yml')],
      { encoding: 'utf8' },
    )
    const { services } = JSON.parse(stdout) as {
      services: Record<string, { ports?: string[]; network_mode?: string; environment?: Record<string, string>; image: string }>
    }
    for (const [name, { ports, network_mode: network }] of Object.entries(services)) {
      if (network === undefined) continue
      expect([name, ports, network]).toEqual([name, undefined, `service:${name}-gate`])
      expect(services[`${name}-gate`]!.environment).toMatchObject({ SERVER_PORT: '8000', GATE_PORT: '8080' })
    }
    expect(services['tensorrt-llm-gate']!.environment!['GATE_ROUTES']).toBe('v1/chat/completions|v1/completions')
    expect(Object.values(services).every(({ image }) => /:[\w.-]*\d/.test(image))).toBe(true)
  })
})

/** What a CPU has not, and what the helper says itself. */
const notHere = ['host', 'port', 'served-model-name', 'gpu-memory-utilization', 'max-model-len', 'kv-cache-dtype', 'enable-sleep-mode']

describe.skipIf(!vllmIsHere() || skipWithoutNginx)(
  'a real vLLM that is started by the settings, with sleep and speculation, behind the gate',
  () => {
    let vllm: Vllm
    let gate: Gate
    beforeAll(async () => {
      const launch = launches().find(
        ({ model, gpu, sleep, speculative }) => `${model} ${gpu} ${sleep} ${speculative}` === 'llama-8b l4 true ngram',
      )!
      const more = launch.command.slice(3).flatMap((word, index, words) => {
        const name = (word.startsWith('--') ? word : words[index - 1]!).slice(2)
        return notHere.includes(name) ? [] : [word]
      })
      vllm = await startVllm({ more, env: launch.environment })
      gate = await startGate({ serverPort: Number(new URL(vllm.url).port), key: vllm.apiKey })
    }, 600_000)
    afterAll(async () => {
      await gate.close()
      await vllm.close()
    })

    const ask = async (path: string, body?: object) => {
      const headers = { authorization: `Bearer ${vllm.apiKey}`, 'content-type': 'application/json' }
      const reply = await fetch(
        `http://127.0.0.1:${gate.port}${path}`,
        body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers },
      )
      return { status: reply.status, told: await reply.text() }
    }
    const completion = async (body: object) => {
      const { told } = await ask('/v1/completions', {
        model: VLLM_MODEL,
        temperature: 0,
        ignore_eos: true,
        return_token_ids: true,
        ...body,
      })
      return (JSON.parse(told) as { choices: { token_ids: number[]; prompt_token_ids: number[] }[] }).choices[0]!
    }

    test('what the cloud asks for goes through the gate; the routes of sleep are there, and nobody reaches them', async () => {
      expect((await ask('/v1/models')).told).toContain(VLLM_MODEL)
      expect((await ask('/metrics')).told).toContain('vllm:num_requests_running')
      expect((await ask('/tokenize', { model: VLLM_MODEL, prompt: 'Hi' })).status).toBe(200)
      expect(
        (await ask('/v1/chat/completions', { model: VLLM_MODEL, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 3 })).status,
      ).toBe(200)
      for (const path of ['/is_sleeping', '/sleep', '/collective_rpc', '/server_info', '/invocations', '/docs']) {
        expect([path, (await ask(path)).status]).toEqual([path, 404])
        expect([path, (await ask(path, {})).status]).toEqual([path, 404])
      }
      // Without a key, from its own machine: this is why there is a gate.
      expect((await fetch(`${vllm.url}/is_sleeping`)).status).toBe(200)
      expect((await fetch(`${vllm.url}/docs`)).status).toBe(404)
    })

    test('with speculation an answer goes on by token ids as it would have, and min_p and logit_bias are refused', async () => {
      const whole = await completion({ prompt: 'one two one two one two one', max_tokens: 60 })
      expect(whole.token_ids).toHaveLength(60)
      for (const cut of [1, 5, 17, 33, 59]) {
        const rest = await completion({ prompt: [...whole.prompt_token_ids, ...whole.token_ids.slice(0, cut)], max_tokens: 60 - cut })
        expect([cut, rest.token_ids]).toEqual([cut, whole.token_ids.slice(cut)])
      }
      expect((await ask('/metrics')).told).toMatch(/vllm:spec_decode_num_draft_tokens_total\{[^}]*\} [1-9]/)
      for (const refused of [{ min_p: 0.1 }, { logit_bias: { '5': 1 } }])
        expect((await ask('/v1/completions', { model: VLLM_MODEL, prompt: 'Hi', max_tokens: 2, ...refused })).status).toBe(400)
    })
  },
)
