import { chromium } from '@playwright/test'
import { findChromium } from '../../chromium.ts'
import { residentMb, startFusion } from '../fusion.ts'
import { judge, type Row, unmeasured } from '../report.ts'
import { figures, interleave } from '../rounds.ts'
import type { Setting } from './setting.ts'

const START = 'Start of the engine to a usable page (Chromium open already)'
const MEMORY = 'Engine without a model, one page open: resident memory'

/** From nothing to a page one can type into, and what the engine then takes. */
export async function start(setting: Setting): Promise<Row[]> {
  const chromiumPath = findChromium()
  if (chromiumPath === undefined) {
    process.stderr.write('There is no Chromium (FUSION_CHROMIUM names one): the start of the page is not measured\n')
    return [unmeasured(START), unmeasured(MEMORY)]
  }
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] })
  try {
    const home = await setting.newHome()
    async function startOnce(): Promise<{ usableMs: number; readyMs: number; residentMb: number | null }> {
      const page = await browser.newPage()
      const startedAt = performance.now()
      const fusion = await startFusion(home)
      await page.goto(fusion.address, { waitUntil: 'commit' })
      // Asked again at once: Playwright's own waiting looks only every 100 to 500 ms.
      const box = page.getByRole('textbox', { name: 'Message', disabled: false })
      while ((await box.count()) === 0);
      const usableMs = performance.now() - startedAt
      const measured = { usableMs, readyMs: fusion.readyMs, residentMb: residentMb(fusion.pid) }
      await page.close()
      await fusion.close()
      return measured
    }
    // The first start also makes the database and reads the models' files: a fresh installation, not every morning.
    await startOnce()
    const results = await interleave(setting.quick ? 1 : 5, startOnce, undefined)
    const memory = results.flatMap(({ ours }) => (ours.residentMb === null ? [] : [{ ours: ours.residentMb, reference: null }]))
    return [
      judge(
        START,
        'ms',
        figures(results, ({ usableMs }) => usableMs),
        { of: 'ours', sense: 'at most', value: 1500 },
      ),
      judge(
        'Of it, until the engine says that it is ready',
        'ms',
        figures(results, ({ readyMs }) => readyMs),
        null,
      ),
      judge(MEMORY, 'MB', memory, { of: 'ours', sense: 'at most', value: 120 }),
    ]
  } finally {
    await browser.close()
  }
}
