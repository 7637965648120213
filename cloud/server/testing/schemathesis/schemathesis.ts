// Schemathesis (Python) reads what a running cloud says that it can be asked, and asks all of it: right and wrong, thousands of times.
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPython } from '../python-packages.ts'
import { startTestCloud, type TestCloud } from '../test-cloud.ts'
import { startAnsweringServer } from './answering-server.ts'

const requirements = join(import.meta.dirname, 'requirements.txt')

/** A Python that has Schemathesis. Where none can be made, why. */
export const findSchemathesis = () => findPython(requirements)

/** A cloud that answers everything: its model server says one word, and nobody asks too much of it. */
export async function startFuzzedCloud(): Promise<TestCloud> {
  const models = await startAnsweringServer()
  const cloud = await startTestCloud({ env: { MODEL_SERVERS: JSON.stringify([{ url: models.url }]) } })
  await cloud.parts.models.looked
  return {
    ...cloud,
    async close() {
      await cloud.close()
      await models.close()
    },
  }
}

export interface FuzzReport {
  code: number | null
  /** What it says at its end, with each failure and how to see it again. */
  output: string
  cases: number
}

/** What is wrong may be so long that it is refused before anybody looks at it: 413, 414, 431. */
const settings = `[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 414, 415, 422, 428, 429, 431]
`

/** Asks this cloud as an admin. `examples`: cases for each operation, beside those that its schemas suggest. */
export async function fuzz(cloud: TestCloud, python: string, { examples, seed }: { examples: number; seed: number }): Promise<FuzzReport> {
  const folder = await mkdtemp(join(tmpdir(), 'fusion-schemathesis-'))
  const tokens = createServer((_request, reply) => void cloud.signIn().then(token => reply.end(token))).listen(0, '127.0.0.1')
  await new Promise(resolve => tokens.once('listening', resolve))
  await writeFile(join(folder, 'schemathesis.toml'), settings)
  const flags = {
    phases: 'examples,coverage,fuzzing',
    'max-examples': String(examples),
    seed: String(seed),
    // A rule that no schema can say (a time that is still to come, say) may refuse what the schema lets through.
    'exclude-checks': 'positive_data_acceptance',
    'suppress-health-check': 'all',
    'generation-database': 'none',
    warnings: 'off',
  }
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])
  const child = spawn(
    python,
    ['-m', 'schemathesis.cli', 'run', `${cloud.url}/openapi.json`, '--continue-on-failure', '--no-color', ...args],
    {
      cwd: folder,
      env: {
        ...process.env,
        SCHEMATHESIS_HOOKS: join(import.meta.dirname, 'hooks.py'),
        FUSION_TOKEN_URL: `http://127.0.0.1:${(tokens.address() as AddressInfo).port}`,
        PYTHONDONTWRITEBYTECODE: '1',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  tokens.close()
  await rm(folder, { recursive: true, force: true })
  return { code, output, cases: Number(/(\d[\d,]*) generated/.exec(output)?.[1]?.replaceAll(',', '') ?? 0) }
}
