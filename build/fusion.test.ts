import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const run = promisify(execFile)

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'fusion-command-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** The program as it is built, from another folder. */
async function fusion(home: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, FUSION_HOME: home, FUSION_PORT: '0' }
  const running = run(process.execPath, [join(import.meta.dirname, 'fusion.mjs'), ...args], { env, cwd: tmpdir() })
  running.child.stdin?.end()
  return (await running).stdout
}

test('as it is built it answers, and finds its models, its background thread and the data sound', async () => {
  const home = folder()
  expect((await fusion(home, 'chat', 'What can you do?')).length).toBeGreaterThan(20)
  expect(JSON.parse(await fusion(home, 'doctor', '--json'))).toMatchObject({
    sound: true,
    dataFolder: { Database: expect.stringMatching(/sound$/) },
    models: { 'Fusion Guide Q4_K_M': '3.3 MB, sound' },
  })
})
