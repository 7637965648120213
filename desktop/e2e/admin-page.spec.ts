// The admin page of the cloud, in front of the whole cloud as `npm run cloud` starts it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, type Page, test as base } from '@playwright/test'
import { startMockVllm } from '../../cloud/testing/mock-vllm.ts'
import { startWholeCloud, type WholeCloud } from '../engine/testing/whole-cloud.ts'

const test = base.extend<{ cloud: WholeCloud }>({
  // oxlint-disable-next-line no-empty-pattern -- Playwright reads the names of the fixtures from this pattern.
  cloud: async ({}, use) => {
    const home = mkdtempSync(join(tmpdir(), 'fusion-admin-'))
    const cloud = await startWholeCloud(home)
    await use(cloud)
    await cloud.end()
    rmSync(home, { recursive: true, force: true })
  },
})
test.setTimeout(120_000)

async function signIn(page: Page, { address, person }: WholeCloud): Promise<void> {
  await page.goto(`${address}/admin/`)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByLabel(/mail/i).fill(person.email)
  await page.getByLabel(/password/i).fill(person.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('table', { name: 'People' })).toContainText(person.email)
}
const open = (page: Page, view: string) => page.getByRole('navigation').getByRole('button', { name: view }).click()

test('an admin makes a key, a program asks with it, and what it used is shown by model and by person', async ({ page, cloud }) => {
  await signIn(page, cloud)
  await open(page, 'Usage')
  await expect(page.getByText('Nobody asked a model for anything in the last hour.')).toBeVisible()

  await open(page, 'API keys')
  await page.getByLabel('Name of the key').fill('A script')
  await page.getByRole('button', { name: 'Make a key' }).click()
  const key = await page.locator('output code').innerText()
  await open(page, 'Model servers')
  await expect(page.getByRole('table', { name: 'Model servers' })).toContainText('guide-q4_k_m')
  const asked = await fetch(`${cloud.address}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'guide-q4_k_m', messages: [{ role: 'user', content: 'hello' }] }),
  })
  const { usage } = (await asked.json()) as { usage: { prompt_tokens: number; completion_tokens: number } }

  await open(page, 'Usage')
  const byModel = page.getByRole('table', { name: 'Usage by model' }).getByRole('row').nth(1)
  await expect(byModel).toContainText('guide-q4_k_m')
  const cells = ['1', '0', String(usage.prompt_tokens), String(usage.completion_tokens)]
  await expect(byModel.getByRole('cell')).toHaveText(['guide-q4_k_m', ...cells])
  const byPerson = page.getByRole('table', { name: 'Usage by person' }).getByRole('row').nth(1)
  await expect(byPerson.getByRole('cell')).toHaveText([new RegExp(cloud.person.email), ...cells])
  for (const span of ['24 hours', '7 days', '31 days']) {
    await page.getByRole('button', { name: span }).click()
    await expect(page.getByRole('button', { name: span })).toHaveAttribute('aria-pressed', 'true')
    await expect(byModel.getByRole('cell')).toHaveText(['guide-q4_k_m', ...cells])
  }
  // A window as narrow as a telephone's scrolls tables, never itself.
  await page.setViewportSize({ width: 390, height: 800 })
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
})

test('what a model costs stands beside what it was asked, and a little is not nothing', async ({ page }) => {
  const home = mkdtempSync(join(tmpdir(), 'fusion-admin-'))
  const mocks = await Promise.all(['dear', 'cheap', 'free'].map(model => startMockVllm({ model })))
  const cloud = await startWholeCloud(home, {
    MODEL_SERVERS: JSON.stringify(mocks.map(({ url }) => ({ url }))),
    MODELS: JSON.stringify([
      { model: 'dear', promptPrice: 0, completionPrice: 400_000 },
      { model: 'cheap', promptPrice: 0, completionPrice: 1 },
    ]),
  })
  const asked = { messages: [{ role: 'user', content: 'hello' }], max_tokens: 50, ignore_eos: true }
  for (const model of ['dear', 'cheap', 'free']) await cloud.call('POST', '/v1/chat/completions', { model, ...asked })
  await signIn(page, cloud)
  await open(page, 'Usage')
  await expect(page.locator('.figures')).toContainText('20.00')
  const costOf = (name: string) => page.getByRole('row').filter({ hasText: name }).getByRole('cell').last()
  await expect(costOf('dear')).toHaveText('20.00')
  await expect(costOf('cheap')).toHaveText('< 0.01')
  await expect(costOf('free')).toHaveText('0')
  await expect(costOf(cloud.person.email)).toHaveText('20.00')
  // Four figures beside each other, or two under two; never one by itself, and nothing wider than the window.
  const rows = () => page.locator('.figures > div').evaluateAll(all => new Set(all.map(one => one.getBoundingClientRect().top)).size)
  expect(await rows()).toBe(1)
  await page.setViewportSize({ width: 390, height: 800 })
  expect(await rows()).toBe(2)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
  await cloud.end()
  for (const mock of mocks) await mock.close()
  rmSync(home, { recursive: true, force: true })
})

test('where the cloud is gone the page says so in words, and what was shown stays', async ({ page, cloud }) => {
  await signIn(page, cloud)
  await open(page, 'Usage')
  const requests = page.locator('dt', { hasText: 'Requests' })
  await expect(requests).toBeVisible()
  await cloud.end()
  // It looks every ten seconds, and tries three more times.
  await expect(page.getByRole('alert')).toContainText('The cloud could not be reached', { timeout: 40_000 })
  await expect(requests).toBeVisible()
})
