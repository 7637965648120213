import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, expect, type Page } from '@playwright/test'
import type { Headless } from '../engine/testing/headless.ts'
import { startEngine } from './engine.ts'

interface Fixtures {
  /** An empty data folder; a test may fill it before it asks for `fusion`. */
  home: string
  /** The engine that runs; a test may put another in its place. */
  running: { engine: Headless }
  /** The page, open and connected, with the bundled model checked. */
  fusion: Page
}

/**
 * Tests of the page against the real engine and the bundled model. Whatever a test does, the page may neither throw, nor break its
 * Content-Security-Policy, nor ask for anything but what its own engine serves.
 */
export const test = base.extend<Fixtures>({
  // oxlint-disable-next-line no-empty-pattern -- Playwright reads the names of the fixtures from this pattern.
  home: async ({}, use) => {
    const home = mkdtempSync(join(tmpdir(), 'fusion-e2e-'))
    await use(home)
    rmSync(home, { recursive: true, force: true })
  },
  running: async ({ home }, use) => {
    const running = { engine: await startEngine(home) }
    await use(running)
    await running.engine.end()
  },
  fusion: async ({ page, running }, use) => {
    const faults = watchFaults(page)
    await openFusion(page, running.engine)
    await use(page)
    expect(faults).toEqual([])
  },
})

export { expect }

/** Opens the page by the printed address, and waits until the bundled model was checked. */
export async function openFusion(page: Page, engine: Headless): Promise<void> {
  await page.goto(engine.address)
  await expect(page.getByRole('textbox', { name: 'Message' })).toBeEditable()
  await expect(page.getByRole('button', { name: /^Model: (?!No model)/ }).first()).toBeVisible()
}

function watchFaults(page: Page): string[] {
  const faults: string[] = []
  page.on('pageerror', error => faults.push(`thrown: ${error.message}`))
  page.on('dialog', dialog => {
    if (dialog.type() !== 'beforeunload') faults.push(`dialog: ${dialog.message()}`)
    void dialog.accept()
  })
  page.on('console', message => {
    // A connection that is refused while no engine runs is what some tests are about.
    if (message.type() === 'error' && !/ERR_CONNECTION|WebSocket|Failed to load resource/.test(message.text()))
      faults.push(`said: ${message.text()}`)
  })
  page.on('request', request => {
    if (!/^(http|ws):\/\/127\.0\.0\.1:/.test(request.url()) && !request.url().startsWith('blob:')) faults.push(`asked for ${request.url()}`)
  })
  return faults
}
