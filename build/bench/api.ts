// The bench `api`: the local API over HTTP beside llama-server, asked by the same client.
import { clients } from './api/clients.ts'
import { idle } from './api/idle.ts'
import type { ApiSetting } from './api/setting.ts'
import { structured } from './api/structured.ts'
import { type BenchOptions, runParts } from './parts.ts'
import type { Row } from './report.ts'
import { besideRival, openStage } from './stage.ts'
import { askOpenAi } from './openai-client.ts'

const parts = { clients, structured, idle }

/** Runs all of it, or only the parts named in `only`. */
export async function api(options: BenchOptions): Promise<Row[]> {
  const stage = await openStage(options.quick)
  try {
    return await besideRival(stage.setting, async setting => {
      const { secret } = await setting.fusion.client.api.makeKey({ name: 'bench', cloud: false })
      const port = Number(new URL(setting.fusion.address).port)
      const ask: ApiSetting['ask'] = (question, tokens, more = {}) =>
        askOpenAi(
          port,
          {
            model: setting.modelId,
            messages: [{ role: 'user', content: question }],
            max_tokens: tokens,
            temperature: 0,
            ignore_eos: true,
            ...more,
          },
          secret,
        )
      return runParts<ApiSetting>(parts, { ...setting, ask }, options)
    })
  } finally {
    await stage.close()
  }
}
