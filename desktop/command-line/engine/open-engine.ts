import { setTimeout as pause } from 'node:timers/promises'
import type { EngineContract } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { CONTRACT_VERSION } from '@fusion/shared/contract/version.ts'
import type { Client } from '@fusion/shared/rpc/contract.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { type Config, readConfig } from '../../engine/config.ts'
import { readEngineFile } from '../../engine/engine-file.ts'
import { isFolderHeld } from '../../engine/storage/lock.ts'
import type { Tools } from '../command.ts'
import { dial } from './dial.ts'
import type { OwnEngine } from './own-engine.ts'

export interface OpenEngine {
  fusion: Client<EngineContract>
  /** It was there before, and stays. */
  isRunning: boolean
  /** Resolves when the model files that lie here have been read; how long that takes depends on their size. */
  modelsKnown: Promise<void>
}

/** Another command is waited for: its answer takes as long as it takes. A server that just starts is there sooner. */
const COMMAND_MS = 60_000
const STARTING_MS = 3000
const LOOK_AGAIN_MS = 100

/**
 * Does some work with the engine that runs on the data folder, or else with one of its own, which it closes after it.
 * Throws what starting an engine throws, `engine-in-window` and `engine-other-version`.
 */
export async function withEngine<T>(
  tools: Pick<Tools, 'terminal' | 'signal'>,
  work: (engine: OpenEngine) => Promise<T>,
  config: Config = readConfig(),
): Promise<T> {
  const running = await findEngine(config)
  if (running) {
    try {
      return await work({ fusion: running.fusion, isRunning: true, modelsKnown: Promise.resolve() })
    } catch (error) {
      // The words of `disconnected` are for a page, which connects again.
      throw error instanceof Failure && error.code === 'disconnected' ? failure('engine-gone', {}, { cause: error }) : error
    } finally {
      running.close()
    }
  }
  const own = await startWhenFree(config, tools)
  if (own === 'one runs by now') return withEngine(tools, work, config)
  try {
    return await work({ fusion: own.fusion, isRunning: false, modelsKnown: own.modelsKnown })
  } finally {
    tools.terminal.progress(undefined)
    await own.close()
  }
}

/** The engine that lets this person's commands in, if one runs. */
export async function findEngine({ home }: Pick<Config, 'home'>): ReturnType<typeof dial> {
  const file = readEngineFile(home)
  // What a killed engine left names a port that may be anybody's by now: only who holds the folder is believed.
  if (!file?.door || !isFolderHeld(home)) return undefined
  const connection = await dial(file.door)
  if (!connection) return undefined
  for await (const { contractVersion } of connection.fusion.app.watch({})) {
    if (contractVersion === CONTRACT_VERSION) return connection
    break
  }
  connection.close()
  throw failure('engine-other-version')
}

/** An engine of this process, once no other command has one. */
async function startWhenFree(
  config: Config,
  { terminal, signal }: Pick<Tools, 'terminal' | 'signal'>,
): Promise<OwnEngine | 'one runs by now'> {
  const { startOwnEngine } = await import('./own-engine.ts')
  for (const since = performance.now(); ;) {
    try {
      return await startOwnEngine(config)
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'data-folder-in-use') throw error
      const holder = readEngineFile(config.home)?.holder
      if (holder === 'window') throw failure('engine-in-window')
      const waited = performance.now() - since
      if (waited > (holder === 'command' ? COMMAND_MS : STARTING_MS)) throw error
    }
    terminal.progress('Waiting for another fusion command to end …')
    await pause(LOOK_AGAIN_MS, undefined, { signal })
    if (readEngineFile(config.home)?.door && isFolderHeld(config.home)) return 'one runs by now'
  }
}
