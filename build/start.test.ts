import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

/** `npm start` on a machine without a display, or as `env` has it. SIGTERM once it is ready. */
async function start(env: Record<string, string>) {
  const home = mkdtempSync(join(tmpdir(), 'fusion-start-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  const { DISPLAY: _display, WAYLAND_DISPLAY: _wayland, FUSION_SHELL: _shell, ...rest } = process.env
  // With no model, so that nothing else runs beside it.
  const own = { FUSION_HOME: home, FUSION_RESOURCES: home, FUSION_PORT: '0', FUSION_GPU: 'none' }
  const child = spawn(process.execPath, [join(import.meta.dirname, 'start.mjs')], { env: { ...rest, ...own, ...env } })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    if (text.includes('ready')) child.kill('SIGTERM')
  })
  const [code] = (await once(child, 'close')) as [number | null]
  const said = stderr.split('\n').filter(line => line && !line.startsWith('{') && !line.startsWith('Building'))
  return { code, stdout, said }
}

const ready = /^Fusion is ready at http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}\n$/

test.runIf(process.platform === 'linux')(
  'without a display it says so in one line, serves the same app to the browser, and ends when it is told to',
  async () => {
    const said = ['Fusion opens in the browser: there is no display.']
    expect(await start({})).toEqual({ code: 0, stdout: expect.stringMatching(ready) as string, said })
  },
)

test('a wish for the browser needs no words', async () => {
  expect(await start({ FUSION_SHELL: 'browser' })).toEqual({ code: 0, stdout: expect.stringMatching(ready) as string, said: [] })
})

test.runIf(process.platform === 'linux')('a wish for Electron where it cannot run is answered with why, and exit code 1', async () => {
  const said = ['Fusion cannot open its own window: there is no display.']
  expect(await start({ FUSION_SHELL: 'electron' })).toEqual({ code: 1, stdout: '', said })
})

test('an unknown wish is named in one line', async () => {
  const said = ['FUSION_SHELL must be electron or browser; it is "terminal".']
  expect(await start({ FUSION_SHELL: 'terminal' })).toEqual({ code: 1, stdout: '', said })
})
