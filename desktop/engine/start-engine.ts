import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type EngineContract, engineContract } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Handlers } from '@fusion/shared/rpc/contract.ts'
import { serve } from '@fusion/shared/rpc/serve.ts'
import type { Down, Port } from '@fusion/shared/rpc/wire.ts'
import type { Api } from './api/api.ts'
import { type Config, printable } from './config.ts'
import { removeEngineFile } from './engine-file.ts'
import { createEngine, type Engine, type EngineOptions } from './engine.ts'
import { bundledModels, installedVersion } from './installed.ts'
import { createLog, forTerminal, type Log } from './log.ts'
import { framesOf, reasonOf } from './log-error.ts'
import { openLogFile } from './log-file.ts'

export interface RunningEngine {
  log: Log
  /** Resolves when the model files that lie here have been read. */
  modelsKnown: Promise<void>
  api: Api
  settings: Engine['settings']
  onSettings: Engine['onSettings']
  /** Answers a page's calls on its port until the port closes. */
  servePage(port: Port<unknown, Down>): void
  close(): Promise<void>
}

export interface StartOptions extends Pick<EngineOptions, 'outside'> {
  /** The log goes to its file alone. */
  quiet?: boolean
}

/** What all that start an engine do: the data folder, the log, the settings in it, and the engine. Throws what `createEngine` throws. */
export async function startEngine(config: Config, { outside, quiet = false }: StartOptions = {}): Promise<RunningEngine> {
  makeFolder(config.home)
  // A terminal that was closed, or `| head`: what is said there is lost, and the engine goes on.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {})
  const toFile = openLogFile(join(config.home, 'logs'))
  const log = createLog({
    level: config.logLevel,
    write(line) {
      // Programs get every line as it is; a person gets warnings and errors in words. The file has all.
      const shown = quiet ? undefined : process.stderr.isTTY ? forTerminal(line) : line
      if (shown !== undefined) process.stderr.write(shown)
      toFile(line)
    },
  })
  // A fault in one place is no reason to end all chats, as Node would do.
  process.on('unhandledRejection', error => log.error({ error: reasonOf(error), stack: framesOf(error) }, 'a failure was not handled'))
  const version = installedVersion()
  log.info({ version, node: process.versions.node, settings: printable(config) }, 'engine starting')
  const engine = await createEngine({
    folder: config.home,
    bundledModels: bundledModels(config),
    log,
    version,
    apiKey: config.apiKey,
    outside,
  })
  removeEngineFile(config.home)
  const { api, settings, onSettings, modelsKnown } = engine
  const serveOne = (port: Port<unknown, Down>) => servePage(engine.handlers, port, log)
  return { log, modelsKnown, api, settings, onSettings, servePage: serveOne, close: () => engine.close() }
}

/** A folder that is there is left as it is: what cannot be written in it, storage says. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw failure('data-folder-unusable', { folder }, { cause: error })
  }
}

function servePage(handlers: Handlers<EngineContract>, port: Port<unknown, Down>, log: Log): void {
  const onBug = (path: string, error: unknown) => log.error({ path, error: reasonOf(error), stack: framesOf(error) }, 'call failed')
  serve(engineContract, handlers, port, { onBug })
}
