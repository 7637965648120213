import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

/** A script of ours that runs a program, as `npm start` runs the compiler, and would go on with the next thing. */
function running(program: string) {
  const script = `
    import { endWith } from ${JSON.stringify(join(import.meta.dirname, 'problem.mjs'))}
    import { runNode } from ${JSON.stringify(join(import.meta.dirname, 'run.mjs'))}
    runNode(process.cwd(), ['--eval', ${JSON.stringify(program)}]).then(code => console.log('went on after ' + code)).catch(endWith)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script])
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  const ended = once(child, 'close').then(([code, signal]) => ({ code: code as number | null, signal: signal as string | null, said }))
  return { child, ended, begun: once(child.stdout, 'data') }
}

test.for([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s ends what runs and then us, without a word and without going on', async ([signal, code]) => {
  // It holds the pipe that `ended` waits for, so it has ended when that is told.
  const { child, begun, ended } = running("process.stdout.write('up'); setInterval(() => {}, 1000)")
  await begun
  child.kill(signal)
  expect(await ended).toEqual({ code, signal: null, said: 'up' })
})

test('a program that ends well although it was asked to stop is not gone on from, either', async () => {
  const { child, begun, ended } = running(
    "process.on('SIGINT', () => process.exit(0)); process.stdout.write('up'); setInterval(() => {}, 1000)",
  )
  await begun
  child.kill('SIGINT')
  expect(await ended).toEqual({ code: 130, signal: null, said: 'up' })
})

test('without a signal the exit code of the program is what we go on with', async () => {
  expect(await running('process.exit(7)').ended).toEqual({ code: 0, signal: null, said: 'went on after 7\n' })
})
