// The bench `local`: the whole product on this machine (page's WebSocket, engine, inference process) beside llama-server on the same model file.
import { answers } from './local/answers.ts'
import { cold } from './local/cold.ts'
import { keptState } from './local/kept-state.ts'
import { prefillBeside } from './local/prefill-beside.ts'
import { reopenedChat } from './local/reopened-chat.ts'
import { severalChats } from './local/several-chats.ts'
import { start } from './local/start.ts'
import { stop } from './local/stop.ts'
import { typedDraft } from './local/typed-draft.ts'
import { type BenchOptions, runParts } from './parts.ts'
import type { Row } from './report.ts'
import { besideRival, openStage } from './stage.ts'

/** In this order: what needs the running engine and llama-server first, then what starts its own. */
const beside = { answers, severalChats, typedDraft, prefillBeside, stop }
const alone = { reopenedChat, keptState, cold, start }

/** Runs all of it, or only the parts named in `only`. */
export async function local(options: BenchOptions): Promise<Row[]> {
  const stage = await openStage(options.quick)
  try {
    const wanted = options.only.length === 0 || options.only.some(name => name in beside)
    const rows = wanted ? await besideRival(stage.setting, setting => runParts(beside, setting, options)) : []
    return [...rows, ...(await runParts(alone, stage.setting, options))]
  } finally {
    await stage.close()
  }
}
