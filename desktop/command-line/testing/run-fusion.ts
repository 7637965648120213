// `fusion` as a process of its own, as a shell starts it: with pipes, or in a pseudo terminal made by `script`.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

const main = join(import.meta.dirname, '../main.ts')

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface Started {
  child: ChildProcess
  done: Promise<Ended>
  /** Resolves when what was printed so far holds the text. */
  until(text: string | RegExp): Promise<void>
  type(text: string): void
}

interface Surroundings {
  home: string
  env?: Record<string, string | undefined>
  cwd?: string
}

function follow(child: ChildProcess): Started {
  onTestFinished(() => void child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  const waiting = new Set<() => void>()
  const look = () => {
    for (const check of waiting) check()
  }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    look()
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const done = once(child, 'close').then(([code, signal]): Ended => ({ code, signal, stdout, stderr }))
  return {
    child,
    done,
    async until(text) {
      const found = new Promise<void>(resolve => {
        const check = () => {
          if (typeof text === 'string' ? stdout.includes(text) : text.test(stdout)) resolve()
        }
        waiting.add(check)
        check()
      })
      const ended = done.then(result => {
        throw new Error(`ended with ${result.code} before ${text}: ${JSON.stringify(result.stdout)} ${result.stderr}`)
      })
      await Promise.race([found, ended])
    },
    type: text => void child.stdin?.write(text),
  }
}

const environment = ({ home, env }: Surroundings) => ({ ...process.env, FUSION_HOME: home, FUSION_PORT: '0', NO_COLOR: undefined, ...env })

/** With pipes on all sides; standard input is open until the test ends it. */
export function startFusion(args: string[], surroundings: Surroundings): Started {
  return follow(spawn(process.execPath, [main, ...args], { env: environment(surroundings), cwd: surroundings.cwd }))
}

/** With pipes on all sides, to its end. */
export function runFusion(args: string[], surroundings: Surroundings & { input?: string | Buffer }): Promise<Ended> {
  const { child, done } = startFusion(args, surroundings)
  // A command that has ended does not read what is left.
  child.stdin!.on('error', () => {})
  child.stdin!.end(surroundings.input ?? '')
  return done
}

/** Whether this machine has what makes a terminal: `script` as Linux has it, of the package util-linux or bsdutils. */
export const hasTerminal = process.platform === 'linux' && existsSync('/usr/bin/script')

/** In a pseudo terminal: all that is printed, on either output, comes as `stdout`. */
export function inTerminal(args: string[], surroundings: Surroundings): Started {
  const quoted = [process.execPath, main, ...args].map(word => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ')
  const env = { ...environment(surroundings), TERM: 'xterm', SHELL: '/bin/sh', ...surroundings.env }
  return follow(
    spawn('script', ['--quiet', '--return', '--flush', '--command', `exec ${quoted}`, '/dev/null'], { env, cwd: surroundings.cwd }),
  )
}
