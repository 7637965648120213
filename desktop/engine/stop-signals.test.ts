import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

/** A process that says when it begins to close, and closes when it is told to by its standard input. */
async function closing(sameSignalMs?: number) {
  const program = `
    import { onStopSignal } from ${JSON.stringify(join(import.meta.dirname, 'stop-signals.ts'))}
    process.on('SIGINT', () => process.stdout.write(' heard'))
    onStopSignal(() => {
      process.stdout.write(' closing')
      return new Promise(resolve => process.stdin.once('data', resolve))
    }, ${sameSignalMs})
    process.stdin.resume()
    process.stdout.write('up')`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program])
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  let heard = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (heard += text))
  await once(child.stdout, 'data')
  child.kill('SIGINT')
  const hears = async (text: string) => {
    while (!heard.endsWith(text)) await once(child.stdout, 'data')
  }
  await hears('up heard closing')
  return { child, ended, hears }
}

test('the same Ctrl-C heard twice, from the terminal and from npm, closes once and in peace', async () => {
  // However long this machine takes for the second one.
  const { child, ended, hears } = await closing(Infinity)
  child.kill('SIGINT')
  await hears('up heard closing heard')
  child.stdin.write('go on')
  expect(await ended).toEqual([0, null])
})

test('a second signal from somebody who does not want to wait ends the process at once', async () => {
  const { child, ended } = await closing()
  const again = setInterval(() => child.kill('SIGTERM'), 50)
  onTestFinished(() => clearInterval(again))
  expect(await ended).toEqual([1, null])
})
