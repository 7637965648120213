// The bench `gateway`: what the cloud adds to a model server, beside a bare proxy and NGINX.
import { ensureBuilt } from '../ensure-built.mjs'
import { cloudParts } from '../parts.mjs'
import { repository } from './config.ts'
import { firstBytes } from './gateway/first-bytes.ts'
import { litellm } from './gateway/litellm.ts'
import { memory } from './gateway/memory.ts'
import { saturation, warmUp } from './gateway/saturation.ts'
import type { GatewaySetting } from './gateway/setting.ts'
import { openGatewayStage } from './gateway/stage.ts'
import { type BenchOptions, runParts } from './parts.ts'
import { allowRepeats } from './quiet.ts'
import type { Row } from './report.ts'

const parts = { firstBytes, saturation }

/** Runs all of it, or only the parts named in `only`: two of them run by their name alone. */
export async function gateway(options: BenchOptions): Promise<Row[]> {
  allowRepeats(options.quick ? 10_000 : 20_000)
  await ensureBuilt(repository, cloudParts)
  const stage = await openGatewayStage(options.quick)
  const byName = { litellm, memory: (setting: GatewaySetting) => memory(setting, options.seconds) }
  try {
    if (!options.quick) await warmUp(stage.setting)
    return await runParts(options.only.length === 0 ? parts : { ...parts, ...byName }, stage.setting, options)
  } finally {
    await stage.close()
  }
}
