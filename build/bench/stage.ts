// What benches on a local model stand on: the speed model, data folders with it, and both programs with the model loaded.
import { copyFile, link, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { ensureBuilt } from '../ensure-built.mjs'
import { browserParts } from '../parts.mjs'
import { cacheFolder, repository } from './config.ts'
import { type Fusion, startFusion } from './fusion.ts'
import { type LlamaServer, startLlamaServer } from './llama-server.ts'
import { configure } from './local/configure.ts'
import type { RunningSetting, Setting } from './local/setting.ts'
import { allowRepeats } from './quiet.ts'
import { findRivals, takeVocabulary } from './rivals.ts'
import { makeModel, speedShape, stateShape } from './speed-model.ts'

const MOST_CHATS = 8
const CONTEXT_TOKENS = 4096

/** Builds what is measured, makes the models, and names a rival that is missing. */
export async function openStage(quick: boolean): Promise<{ setting: Setting; close(): Promise<void> }> {
  allowRepeats(quick ? 15_000 : 90_000)
  await ensureBuilt(repository, browserParts)
  const rivals = await findRivals()
  if (!rivals.llamaServer)
    process.stderr.write('llama-server is missing (npm run bench:rivals builds it): the rows stand without a reference\n')
  const vocabulary = await takeVocabulary(cacheFolder)
  const speedModel = await makeModel(speedShape, vocabulary, cacheFolder)
  const stateModel = await makeModel(stateShape, vocabulary, cacheFolder)
  const scratch = await mkdtemp(join(tmpdir(), 'fusion-bench-'))

  async function newHome(): Promise<string> {
    const home = await mkdtemp(join(scratch, 'home-'))
    await mkdir(join(home, 'models'))
    // A hard link is the same file in the page cache; another file system needs a copy.
    const target = join(home, 'models', basename(speedModel))
    await link(speedModel, target).catch(() => copyFile(speedModel, target))
    return home
  }

  return {
    setting: {
      quick,
      contextTokens: CONTEXT_TOKENS,
      threads: availableParallelism(),
      newHome,
      speedModel,
      stateModel,
      rivalProgram: rivals.llamaServer,
    },
    close: () => rm(scratch, { recursive: true, force: true }),
  }
}

/** Runs `work` while an engine and llama-server stand ready, both with the speed model loaded. */
export async function besideRival<T>(setting: Setting, work: (setting: RunningSetting) => Promise<T>): Promise<T> {
  let fusion: Fusion | undefined
  let rival: LlamaServer | undefined
  try {
    const { rivalProgram, speedModel, threads, contextTokens } = setting
    fusion = await startFusion(await setting.newHome())
    await configure(fusion, setting)
    const { modelId, loaded } = await fusion.loadModel(basename(speedModel))
    if (loaded.sequences < MOST_CHATS) process.stderr.write(`The engine answers only ${loaded.sequences} chats at once here\n`)
    if (rivalProgram !== undefined) rival = await startLlamaServer(rivalProgram, speedModel, { threads, chats: MOST_CHATS, contextTokens })
    return await work({ ...setting, fusion, modelId, rival })
  } finally {
    await rival?.close()
    await fusion?.close()
  }
}
