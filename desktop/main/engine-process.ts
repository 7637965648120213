import type { MessagePortMain, UtilityProcess } from 'electron'
import type { FromEngine, ToEngine } from '@fusion/shared/contract/shell.ts'
import type { ShellLog } from './log.ts'
import { createRestarts, type Restarts } from './restarts.ts'

/** What went wrong, in words for a person. */
export interface Trouble {
  what: string
  next: string
}

export interface EngineProcess {
  start(): void
  /** Gives the engine its end of a channel to a page; false while there is no engine, the page gets a port when the next one starts. */
  take(port: MessagePortMain): boolean
  /** Lets the engine finish, at most `CLOSE_MS`, then ends it. Nothing starts it again. */
  close(): Promise<void>
}

export interface EngineProcessOptions {
  fork: () => UtilityProcess
  /** A process is there and takes ports. */
  onStart: () => void
  /** The process has ended, whatever comes next. */
  onEnd: () => void
  /** It can't go on by itself. Resolves with whether to try again. */
  onTrouble: (trouble: Trouble) => Promise<boolean>
  /** Ends a process that does not end by itself. */
  kill: (pid: number) => void
  log: ShellLog
  restarts?: Restarts
}

/** Time for the engine to write what is open and to unload its models. */
export const CLOSE_MS = 5000

const keepsCrashing: Trouble = {
  what: 'The engine of Fusion keeps stopping.',
  next: 'Your chats are safe on this computer. Try again; if it goes on like this, restart the computer or install Fusion anew.',
}

/** Starts the engine's process and starts it again when it crashes, with growing pauses, until it has crashed too often. */
export function createEngineProcess(options: EngineProcessOptions): EngineProcess {
  const { fork, onStart, onEnd, onTrouble, kill, log, restarts = createRestarts() } = options
  let child: UtilityProcess | undefined
  let running = false
  let closing = false
  let timer: NodeJS.Timeout | undefined

  function start(): void {
    const next = fork()
    child = next
    let refusal: Trouble | undefined
    next.once('spawn', () => {
      running = true
      log.info({ pid: next.pid }, 'engine spawned')
      onStart()
    })
    next.on('message', (message: FromEngine) => {
      if (message.type === 'engine-ready') return log.info({}, 'engine ready')
      log.warn({ code: message.code }, 'engine cannot start')
      refusal = { what: message.what, next: message.next }
      end(next)
    })
    // V8 can't go on, as without memory. The end follows; an 'error' that nobody listens for would be thrown here.
    next.on('error', (type, location) => log.warn({ type, location }, 'engine failed'))
    next.once('exit', code => {
      running = false
      child = undefined
      if (closing) return
      onEnd()
      log.warn({ code }, 'engine ended')
      const waitMs = refusal ? undefined : restarts.next()
      if (waitMs === undefined) void ask(refusal ?? keepsCrashing)
      else timer = setTimeout(start, waitMs)
    })
  }

  async function ask(trouble: Trouble): Promise<void> {
    const again = await onTrouble(trouble)
    restarts.forget()
    if (again && !closing) start()
  }

  /** `kill` of a utility process is SIGTERM, which a process that hangs does not hear. */
  function end(process: UtilityProcess): void {
    if (process.pid === undefined) process.kill()
    else kill(process.pid)
  }

  return {
    start,
    take(port) {
      if (!child || !running || closing) return false
      child.postMessage({ type: 'page-port' } satisfies ToEngine, [port])
      return true
    },
    async close() {
      closing = true
      clearTimeout(timer)
      const last = child
      if (!last) return
      const { promise, resolve } = Promise.withResolvers<void>()
      last.once('exit', () => resolve())
      last.postMessage({ type: 'close' } satisfies ToEngine)
      const late = setTimeout(() => {
        log.warn({}, 'engine did not close in time')
        end(last)
        // Quitting waits no longer, not even for the word that it has ended.
        resolve()
      }, CLOSE_MS)
      await promise
      clearTimeout(late)
    },
  }
}
