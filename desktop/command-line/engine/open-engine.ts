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
  const { close, ...engine } = await openEngine(config, tools)
  try {
    return await work(engine)
  } catch (error) {
    // The words of `disconnected` are for a page, which connects again.
    throw error instanceof Failure && error.code === 'disconnected' ? failure('engine-gone', {}, { cause: error }) : error
  } finally {
    tools.terminal.progress(undefined)
    await close()
  }
}

async function openEngine(
  config: Config,
  { terminal, signal }: Pick<Tools, 'terminal' | 'signal'>,
): Promise<OpenEngine & { close(): Promise<void> | void }> {
  const since = performance.now()
  let knownAt = since
  for (;;) {
    const running = await findEngine(config)
    if (running) return { ...running, isRunning: true, modelsKnown: Promise.resolve() }
    if (!isFolderHeld(config.home)) {
      try {
        // Only now: an engine that runs needs nothing of it.
        const { startOwnEngine } = await import('./own-engine.ts')
        return { ...(await startOwnEngine(config)), isRunning: false }
      } catch (error) {
        // Another command was quicker.
        if (!(error instanceof Failure) || error.code !== 'data-folder-in-use') throw error
      }
    }
    const holder = readEngineFile(config.home)?.holder
    if (holder === 'window') throw failure('engine-in-window')
    const now = performance.now()
    if (holder === 'command') knownAt = now
    if (now - knownAt > STARTING_MS || now - since > COMMAND_MS) throw failure('data-folder-in-use')
    terminal.progress('Waiting for another fusion command to end …')
    await pause(LOOK_AGAIN_MS, undefined, { signal })
  }
}

/** The engine that lets this person's commands in, if one runs. */
async function findEngine({ home }: Pick<Config, 'home'>): ReturnType<typeof dial> {
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
