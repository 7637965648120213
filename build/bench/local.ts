// The bench `local`: the whole product on this machine (page's WebSocket, engine, inference process) beside llama-server on the same model file.
import { copyFile, link, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { ensureBuilt } from '../ensure-built.mjs'
import { browserParts } from '../parts.mjs'
import { cacheFolder, repository } from './config.ts'
import { type Fusion, startFusion } from './fusion.ts'
import { type LlamaServer, startLlamaServer } from './llama-server.ts'
import { answers } from './local/answers.ts'
import { cold } from './local/cold.ts'
import { configure } from './local/configure.ts'
import { keptState } from './local/kept-state.ts'
import { prefillBeside } from './local/prefill-beside.ts'
import { reopenedChat } from './local/reopened-chat.ts'
import type { Setting } from './local/setting.ts'
import { severalChats } from './local/several-chats.ts'
import { start } from './local/start.ts'
import { stop } from './local/stop.ts'
import { typedDraft } from './local/typed-draft.ts'
import { allowRepeats } from './quiet.ts'
import { type Row, unmeasured } from './report.ts'
import { findRivals, takeVocabulary } from './rivals.ts'
import { makeModel, speedShape, stateShape } from './speed-model.ts'

const MOST_CHATS = 8
const CONTEXT_TOKENS = 4096

/** In this order: what needs the running engine and llama-server first, then what starts its own. */
const beside = { answers, severalChats, typedDraft, prefillBeside, stop }
const alone = { reopenedChat, keptState, cold, start }

/** Runs all of it, or only the parts named in `only`. `tell` gets each part's rows as soon as they are measured. */
export async function local(options: { quick: boolean; only: string[]; tell: (rows: Row[]) => void }): Promise<Row[]> {
  allowRepeats(options.quick ? 15_000 : 90_000)
  await ensureBuilt(repository, browserParts)
  const rivals = await findRivals()
  if (!rivals.llamaServer)
    process.stderr.write('llama-server is missing (npm run bench:rivals builds it): the rows stand without a reference\n')
  const vocabulary = await takeVocabulary(cacheFolder)
  const speedModel = await makeModel(speedShape, vocabulary, cacheFolder)
  const stateModel = await makeModel(stateShape, vocabulary, cacheFolder)
  const scratch = await mkdtemp(join(tmpdir(), 'fusion-bench-'))
  const rows: Row[] = []

  async function newHome(): Promise<string> {
    const home = await mkdtemp(join(scratch, 'home-'))
    await mkdir(join(home, 'models'))
    // A hard link is the same file in the page cache; another file system needs a copy.
    const target = join(home, 'models', basename(speedModel))
    await link(speedModel, target).catch(() => copyFile(speedModel, target))
    return home
  }

  async function run<S>(parts: Record<string, (setting: S) => Promise<Row[]>>, setting: S): Promise<void> {
    for (const [name, part] of Object.entries(parts)) {
      if (options.only.length > 0 && !options.only.includes(name)) continue
      const measured = await part(setting).catch((error: unknown) => {
        process.stderr.write(`${name} could not be measured: ${error instanceof Error ? error.message : String(error)}\n`)
        return [unmeasured(name)]
      })
      options.tell(measured)
      rows.push(...measured)
    }
  }

  let fusion: Fusion | undefined
  let rival: LlamaServer | undefined
  try {
    const threads = availableParallelism()
    const shared: Setting = {
      quick: options.quick,
      contextTokens: CONTEXT_TOKENS,
      threads,
      newHome,
      speedModel,
      stateModel,
      rivalProgram: rivals.llamaServer,
    }
    if (options.only.length === 0 || options.only.some(name => name in beside)) {
      fusion = await startFusion(await newHome())
      await configure(fusion, shared)
      const { modelId, loaded } = await fusion.loadModel(basename(speedModel))
      if (loaded.sequences < MOST_CHATS) process.stderr.write(`The engine answers only ${loaded.sequences} chats at once here\n`)
      rival =
        rivals.llamaServer === undefined
          ? undefined
          : await startLlamaServer(rivals.llamaServer, speedModel, { threads, chats: MOST_CHATS, contextTokens: CONTEXT_TOKENS })
      await run(beside, { ...shared, fusion, modelId, rival })
      await rival?.close()
      await fusion.close()
    }
    await run(alone, shared)
  } finally {
    await rival?.close()
    await fusion?.close()
    await rm(scratch, { recursive: true, force: true })
  }
  return rows
}
