import { basename } from 'node:path'
import { firstTokenMs } from '../answer.ts'
import { startFusion } from '../fusion.ts'
import { startLlamaServer } from '../llama-server.ts'
import { dropFromPageCache } from '../page-cache.ts'
import { newQuestion } from '../questions.ts'
import { judge, type Row } from '../report.ts'
import { figures, interleave } from '../rounds.ts'
import { configure } from './configure.ts'
import type { Setting } from './setting.ts'

/** From starting the program to the first token of an answer to a 64-token prompt. */
export async function cold(setting: Setting): Promise<Row[]> {
  const { speedModel, rivalProgram, threads, contextTokens, quick } = setting
  const home = await setting.newHome()

  async function ours(): Promise<number> {
    const startedAt = performance.now()
    const fusion = await startFusion(home)
    await configure(fusion, setting)
    const { modelId } = await fusion.loadModel(basename(setting.speedModel))
    const chat = await fusion.openChat({ modelId, maxTokens: 1 })
    const answer = await chat.ask(newQuestion(64))
    const ms = answer.startedAt + firstTokenMs(answer) - startedAt
    chat.close()
    await fusion.close()
    return ms
  }
  async function reference(): Promise<number> {
    const startedAt = performance.now()
    const rival = await startLlamaServer(rivalProgram!, speedModel, { threads, chats: 1, contextTokens })
    const answer = await rival.ask(newQuestion(64), 1)
    await rival.close()
    return answer.startedAt + firstTokenMs(answer) - startedAt
  }

  await ours() // the first start of all reads, hashes and remembers the file
  const rows: Row[] = []
  for (const cache of ['warm', 'cold'] as const) {
    const prepared = (side: () => Promise<number>) => async () => {
      if (cache === 'cold') await dropFromPageCache(speedModel)
      return side()
    }
    const results = await interleave(quick ? 1 : 3, prepared(ours), rivalProgram === undefined ? undefined : prepared(reference))
    rows.push(
      judge(
        `Cold process to first token, ${cache} page cache`,
        'ms',
        figures(results, ms => ms),
        null,
      ),
    )
  }
  return rows
}
