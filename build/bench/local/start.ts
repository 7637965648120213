import { existsSync } from 'node:fs'
import { chromium } from '@playwright/test'
import { chromiumPath } from '../config.ts'
import { residentMb, startFusion } from '../fusion.ts'
import { judge, type Pair, type Row, unmeasured } from '../report.ts'
import type { Setting } from './setting.ts'

const START = 'Start of the engine to a usable page (Chromium open already)'
const MEMORY = 'Engine without a model, one page open: resident memory'

/** Asked in each frame: Playwright's own waiting looks only every 100 to 500 ms. */
const MESSAGE_BOX_IS_ENABLED = `[...document.querySelectorAll('textarea, [role="textbox"]')].some(
  box => !box.disabled && (box.getAttribute('aria-label') ?? box.labels?.[0]?.textContent ?? '').trim() === 'Message',
)`

/** From nothing to a page one can type into, and what the engine then takes. */
export async function start(setting: Setting): Promise<Row[]> {
  if (!existsSync(chromiumPath)) {
    process.stderr.write(`There is no Chromium at ${chromiumPath}: the start of the page is not measured\n`)
    return [unmeasured(START), unmeasured(MEMORY)]
  }
  const usable: Pair[] = []
  const ready: Pair[] = []
  const memory: Pair[] = []
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] })
  try {
    const home = await setting.newHome()
    // The first start also makes the database and reads the models' files: a fresh installation, not every morning.
    for (let round = 0; round < (setting.quick ? 2 : 6); round++) {
      const page = await browser.newPage()
      const startedAt = performance.now()
      const fusion = await startFusion(home)
      await page.goto(fusion.address, { waitUntil: 'commit' })
      await page.waitForFunction(MESSAGE_BOX_IS_ENABLED, undefined, { polling: 'raf' })
      const usableMs = performance.now() - startedAt
      if (!(await page.getByRole('textbox', { name: 'Message' }).isEnabled())) throw new Error('The page has no enabled textbox "Message"')
      if (round > 0) {
        usable.push({ ours: usableMs, reference: null })
        ready.push({ ours: fusion.readyMs, reference: null })
        const resident = residentMb(fusion.pid)
        if (resident !== null) memory.push({ ours: resident, reference: null })
      }
      await page.close()
      await fusion.close()
    }
  } finally {
    await browser.close()
  }
  return [
    judge(START, 'ms', usable, { of: 'ours', sense: 'at most', value: 1500 }),
    judge('Of it, until the engine says that it is ready', 'ms', ready, null),
    judge(MEMORY, 'MB', memory, { of: 'ours', sense: 'at most', value: 120 }),
  ]
}
