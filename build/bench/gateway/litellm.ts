import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../../cloud/database/free-port.ts'
import { findPython } from '../../../cloud/server/testing/python-packages.ts'
import { judge, type Row } from '../report.ts'
import { startOther } from './programs.ts'
import type { GatewaySetting } from './setting.ts'
import { askSide } from './sides.ts'

const KEY = 'sk-bench'
/** Its own script names the folder in which the environment was made, which is another by now. */
const PROGRAM = 'from litellm.proxy.proxy_cli import run_server; run_server()'
const shapes = [
  { streams: 1, shape: { tokens: 4, firstMs: 2, betweenMs: 2 } },
  { streams: 32, shape: { tokens: 8, firstMs: 20, betweenMs: 20 } },
]
const FAST = { streams: 64, shape: { tokens: 8, firstMs: 1, betweenMs: 1 } }

const configuration = (upstream: number) => `
model_list:
  - model_name: whole
    litellm_params: { model: openai/whole, api_base: http://127.0.0.1:${upstream}/v1, api_key: none }
general_settings: { master_key: ${KEY} }
`

/** LiteLLM's proxy, one worker, without a database: for information. The first time it is installed, which takes minutes. */
export async function litellm(setting: GatewaySetting): Promise<Row[]> {
  const found = findPython(join(import.meta.dirname, 'requirements.txt'))
  if ('missing' in found) {
    process.stderr.write(`LiteLLM is left out: ${found.missing}\n`)
    return []
  }
  const port = await freePort()
  const config = join(setting.folder, 'litellm.yaml')
  await writeFile(config, configuration(setting.models.port))
  // It asks for prices at its start, where it is not told to use its own.
  const env = { LITELLM_LOCAL_MODEL_COST_MAP: 'True', LITELLM_LOG: 'ERROR' }
  const server = await startOther(
    found.python,
    ['-c', PROGRAM, '--config', config, '--host', '127.0.0.1', '--port', String(port), '--num_workers', '1'],
    {
      port,
      withinMs: 120_000,
      env,
    },
  )
  try {
    const rows: Row[] = []
    const forMs = setting.quick ? 3_000 : 8_000
    for (const { streams, shape } of [...shapes, FAST]) {
      const order = { streams, shape, warmMs: 2_000, forMs }
      const direct = await askSide(setting, { port: setting.models.port }, order)
      const ours = await askSide(setting, setting.cloud, order)
      const theirs = await askSide(setting, { ...server, key: KEY }, order)
      const row = (what: string, unit: string, figure: (side: typeof ours) => number) =>
        judge(
          `${streams} ${streams === 1 ? 'stream' : 'streams'}: ${what} (reference: LiteLLM)`,
          unit,
          [{ ours: figure(ours), reference: figure(theirs) }],
          null,
        )
      if (shape === FAST.shape) rows.push(row('short answers', 'requests/s', side => side.perSecond))
      else
        rows.push(
          row('added to the first text, p50', 'ms', side => side.p50 - direct.p50),
          row('added to the first text, p99', 'ms', side => side.p99 - direct.p99),
        )
      rows.push(row('CPU time for a request', 'ms', side => side.cpuMs))
    }
    return rows
  } finally {
    await server.close()
  }
}
