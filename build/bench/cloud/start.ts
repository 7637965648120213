import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repository } from '../config.ts'
import { judge, type Row } from '../report.ts'
import { figures, interleave } from '../rounds.ts'
import { startProgram } from './program.ts'
import { benchEnvironment } from './stage.ts'

/** What `npm run cloud` runs, with a Postgres and a model server of its own: from nothing to its line that it is ready. */
export async function start({ quick }: { quick: boolean }): Promise<Row[]> {
  const home = await mkdtemp(join(tmpdir(), 'fusion-bench-cloud-'))
  const startOnce = async () => {
    const cloud = await startProgram([join(repository, 'build/bootstrap.mjs'), join(repository, 'build/cloud.mjs')], benchEnvironment(home))
    await cloud.close()
    return cloud.readyMs
  }
  try {
    const first = await startOnce()
    const again = await interleave(quick ? 2 : 7, startOnce, undefined)
    return [
      judge('First start to ready, embedded parts', 'ms', [{ ours: first, reference: null }], null),
      judge(
        'Start to ready on the same data, embedded parts',
        'ms',
        figures(again, ms => ms),
        {
          of: 'ours',
          sense: 'at most',
          value: 5_000,
        },
      ),
    ]
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}
