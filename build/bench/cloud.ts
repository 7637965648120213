// The bench `cloud`: the whole cloud in a process of its own with its embedded Postgres, beside bare routes on the same database.
import { ensureBuilt } from '../ensure-built.mjs'
import { cloudParts } from '../parts.mjs'
import { reads } from './cloud/reads.ts'
import { sessions } from './cloud/sessions.ts'
import { openCloudStage } from './cloud/stage.ts'
import { start } from './cloud/start.ts'
import { streams } from './cloud/streams.ts'
import { writes } from './cloud/writes.ts'
import { repository } from './config.ts'
import { type BenchOptions, runParts } from './parts.ts'
import { allowRepeats } from './quiet.ts'
import type { Row } from './report.ts'

/** Streams first: memory that other work left behind would hide what they take. */
const running = { streams, reads, writes, sessions }
const alone = { start }

/** Runs all of it, or only the parts named in `only`. */
export async function cloud(options: BenchOptions): Promise<Row[]> {
  allowRepeats(options.quick ? 15_000 : 90_000)
  await ensureBuilt(repository, cloudParts)
  const rows: Row[] = []
  if (options.only.length === 0 || options.only.some(name => name in running)) {
    const stage = await openCloudStage(options.quick)
    try {
      rows.push(...(await runParts(running, stage.setting, options)))
    } finally {
      await stage.close()
    }
  }
  return [...rows, ...(await runParts(alone, options, options))]
}
