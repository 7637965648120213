import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Page } from '@playwright/test'
import { type Headless, startHeadless } from '../engine/testing/headless.ts'
import { parts } from './chat-steps.ts'
import { expect, test } from './fixtures.ts'

const asApp = join(import.meta.dirname, '../engine/testing/serve-as-app.ts')

/** Starts an engine whose local API is opened and closed by the settings, as in Electron. */
const startAsApp = (home: string): Promise<Headless> => startHeadless(home, { entry: asApp, env: { FUSION_LOG: 'warn' } })

async function openServer(page: Page): Promise<void> {
  await parts(page).chats.getByRole('button', { name: 'Server', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'Server', level: 1 })).toBeVisible()
}

const keys = (page: Page) => page.getByRole('region', { name: 'Keys' })
const fresh = (page: Page) => page.getByRole('group', { name: /^The key for/ })

/** Makes a key as a person would, and gives its secret. */
async function makeKey(page: Page, name: string): Promise<string> {
  await keys(page).getByRole('button', { name: 'Make a key' }).click()
  const dialog = page.getByRole('dialog', { name: 'Make a key' })
  await dialog.getByLabel('Which program is it for?').fill(name)
  await dialog.getByRole('button', { name: 'Make key' }).click()
  await expect(fresh(page)).toBeVisible()
  return fresh(page).getByText(/^fsn-/).innerText()
}

const addressIn = (page: Page) =>
  page
    .getByRole('region', { name: 'Open' })
    .getByText(/^http:/)
    .innerText()

function complete(address: string, key: string): Promise<Response> {
  return fetch(`${address}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'guide-q4_k_m', messages: [{ role: 'user', content: 'Hello' }] }),
  })
}

test('a key is made, shown once, used by a program, seen as used, and revoked', async ({ fusion }) => {
  await openServer(fusion)
  await expect(fusion.getByText('Fusion runs as a server on this computer, so this is always on.')).toBeVisible()
  await expect(keys(fusion)).toContainText('No program can use it yet')
  const secret = await makeKey(fusion, 'My editor')
  await expect(fresh(fusion)).toContainText('It is shown only now')
  await expect(fusion.getByRole('button', { name: 'Copy the key' })).toBeFocused()
  await expect(keys(fusion).getByRole('listitem')).toContainText('never used')

  const address = await addressIn(fusion)
  const answer = await complete(address, secret)
  expect(answer.status).toBe(200)
  expect(await answer.json()).toMatchObject({ choices: [{ message: { role: 'assistant', content: expect.stringMatching(/\w/) } }] })
  await expect(keys(fusion).getByRole('listitem')).toContainText(/last used today at \d\d:\d\d/)

  await fusion.getByRole('button', { name: 'Done' }).click()
  await expect(keys(fusion).getByRole('button', { name: 'Make a key' })).toBeFocused()
  await expect(fusion.getByText(secret)).toHaveCount(0)

  await keys(fusion).getByRole('button', { name: 'Revoke My editor' }).click()
  const question = fusion.getByRole('dialog', { name: 'Revoke this key?' })
  await expect(question.getByRole('button', { name: 'Keep' })).toBeFocused()
  await fusion.keyboard.press('Escape')
  expect((await complete(address, secret)).status).toBe(200)
  await keys(fusion).getByRole('button', { name: 'Revoke My editor' }).click()
  await question.getByRole('button', { name: 'Revoke' }).click()
  await expect(keys(fusion)).toContainText('No program can use it yet')
  expect((await complete(address, secret)).status).toBe(401)
})

test('the secret is gone for good after leaving, and after a reload', async ({ fusion }) => {
  await openServer(fusion)
  const secret = await makeKey(fusion, 'My editor')
  await fusion.getByRole('button', { name: 'New chat' }).click()
  await openServer(fusion)
  await expect(keys(fusion).getByRole('listitem')).toContainText('My editor')
  expect(await fusion.content()).not.toContain(secret)
  await fusion.reload()
  await openServer(fusion)
  await expect(keys(fusion).getByRole('listitem')).toContainText('My editor')
  expect(await fusion.content()).not.toContain(secret)
})

test('a key may use cloud models only where that was chosen', async ({ fusion }) => {
  await openServer(fusion)
  await makeKey(fusion, 'Local')
  await keys(fusion).getByRole('button', { name: 'Make a key' }).click()
  const dialog = fusion.getByRole('dialog', { name: 'Make a key' })
  await expect(dialog.getByLabel('Which program is it for?')).toBeFocused()
  await expect(dialog.getByRole('button', { name: 'Make key' })).toBeDisabled()
  await fusion.keyboard.type('Cloudy')
  await dialog.getByRole('switch', { name: 'May use cloud models' }).check()
  await fusion.keyboard.press('Enter')
  await expect(keys(fusion).getByRole('listitem').filter({ hasText: 'Cloudy' })).toContainText('may use cloud models')
  await expect(keys(fusion).getByRole('listitem').filter({ hasText: 'Local' })).not.toContainText('cloud')
})

test('the example holds the real address and model, and the fresh key while it is shown; its curl runs', async ({ fusion }) => {
  await openServer(fusion)
  const secret = await makeKey(fusion, 'Shell')
  const address = await addressIn(fusion)
  const example = fusion.getByRole('region', { name: 'Example' })
  const code = example.locator('pre')
  for (const client of ['Python', 'Node', 'LangChain', 'curl']) {
    await example.getByRole('radio', { name: client }).check()
    await expect(code).toContainText(address)
    await expect(code).toContainText(secret)
    await expect(code).toContainText('guide')
  }
  const curl = await code.innerText()
  const { stdout } = await promisify(execFile)('sh', ['-c', curl]).catch((error: { code?: number; stdout: string }) => {
    // 127: this machine has no curl.
    if (error.code !== 127) throw error
    return { stdout: '' }
  })
  if (stdout !== '') expect(JSON.parse(stdout)).toMatchObject({ object: 'chat.completion' })
  await fusion.getByRole('button', { name: 'Done' }).click()
  await expect(code).toContainText('YOUR_KEY')
  await expect(code).not.toContainText(secret)
})

test('what runs is counted while it runs, and moves nothing', async ({ fusion }) => {
  await openServer(fusion)
  const secret = await makeKey(fusion, 'Counter')
  const address = await addressIn(fusion)
  const now = fusion.getByRole('region', { name: 'Now' })
  await expect(now).toContainText('requests running')
  const places = () =>
    fusion.evaluate(() => [...document.querySelectorAll('main section')].map(section => section.getBoundingClientRect().top))
  const before = await places()
  const stop = new AbortController()
  const answer = await fetch(`${address}/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    // Sixteen answers of a whole window each are more than any machine has made before the page has looked.
    body: JSON.stringify({ model: 'guide-q4_k_m', prompt: 'Once', n: 16, max_tokens: 2000, ignore_eos: true, stream: true }),
    signal: stop.signal,
  })
  expect(answer.status).toBe(200)
  await expect(now).toContainText(/requests running[1-9].*waiting[1-9].*per second[1-9]/)
  expect(await places()).toEqual(before)
  stop.abort()
  await expect(now).toContainText('requests running0waiting0')
})

test('web pages and names are added in the form that browsers send, refused in words, and taken away', async ({ fusion }) => {
  await openServer(fusion)
  const secret = await makeKey(fusion, 'Page')
  const address = await addressIn(fusion)
  const preflight = async () =>
    (await fetch(`${address}/models`, { headers: { origin: 'http://localhost:3000', authorization: `Bearer ${secret}` } })).status
  expect(await preflight()).toBe(403)

  const pages = fusion.getByLabel('Web pages', { exact: true }).and(fusion.getByRole('textbox'))
  await pages.fill('localhost:3000')
  await pages.press('Enter')
  await expect(fusion.getByText('Write the whole address of the page')).toBeVisible()
  await expect(pages).toHaveAttribute('aria-invalid', 'true')
  await pages.fill('http://LOCALHOST:3000/app')
  await expect(fusion.getByText('Write the whole address of the page')).toHaveCount(0)
  await pages.press('Enter')
  await expect(fusion.getByRole('list', { name: 'Web pages' })).toContainText('http://localhost:3000')
  await expect(pages).toHaveValue('')
  expect(await preflight()).toBe(200)

  const names = fusion.getByLabel('Other names of this computer').and(fusion.getByRole('textbox'))
  await names.fill('localhost')
  await names.press('Enter')
  await expect(fusion.getByText('By this name it may always be called.')).toBeVisible()
  await names.fill('host.docker.internal:4310')
  await names.press('Enter')
  await expect(fusion.getByRole('list', { name: 'Other names of this computer' })).toContainText('host.docker.internal')

  await fusion.getByRole('button', { name: 'Take away http://localhost:3000' }).click()
  await expect(pages).toBeFocused()
  await expect(fusion.getByRole('list', { name: 'Web pages' })).toHaveCount(0)
  expect(await preflight()).toBe(403)
})

test.describe('in the app, where it can be closed', () => {
  test.beforeEach(async ({ running, home }) => {
    await running.engine.end()
    running.engine = await startAsApp(home)
  })

  test('it is closed until it is turned on, and a port in use is said and can be changed', async ({ fusion }) => {
    await openServer(fusion)
    const open = fusion.getByRole('switch', { name: 'Open to programs' })
    await expect(open).not.toBeChecked()
    await expect(keys(fusion)).toHaveCount(0)

    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    await open.click()
    await expect(open).toBeChecked()
    const field = fusion.getByLabel('Port', { exact: true })
    await field.fill(String(port))
    await field.press('Enter')
    await expect(fusion.getByRole('alert')).toHaveText(
      `Another program of this computer uses port ${port}. Choose another port, or close that program; Fusion then opens it by itself.`,
    )
    other.close()
    await expect(fusion.getByRole('alert')).toHaveCount(0)
    const address = await addressIn(fusion)
    expect(address).toBe(`http://127.0.0.1:${port}/v1`)

    const secret = await makeKey(fusion, 'My editor')
    expect((await complete(address, secret)).status).toBe(200)
    await open.click()
    await expect(fusion.getByRole('region', { name: 'Now' })).toHaveCount(0)
    await expect(complete(address, secret)).rejects.toThrow('fetch failed')
    await fusion.reload()
    await openServer(fusion)
    await expect(open).not.toBeChecked()
    await expect(keys(fusion)).toContainText('My editor')
  })
})

test.describe('in a narrow window', () => {
  test.use({ viewport: { width: 390, height: 780 }, hasTouch: true })

  test('nothing is wider than the window, and what is pressed is large enough', async ({ fusion }) => {
    await fusion.getByRole('button', { name: 'Show chats' }).click()
    await openServer(fusion)
    await expect(parts(fusion).chats).toBeHidden()
    await makeKey(fusion, `A program of a very long name ${'and more words '.repeat(5)}`.trim())
    const faults = () =>
      fusion.evaluate(() => {
        const shown = [
          ...document.querySelectorAll('main :is(section, li, button, input:not([type=radio], [type=checkbox]), select, code)'),
        ]
          .filter(each => each.checkVisibility({ visibilityProperty: true }) && !each.closest('pre'))
          .map(each => [each.tagName, each.ariaLabel ?? each.textContent, each.getBoundingClientRect()] as const)
        return {
          wide: shown.filter(([, , { left, right }]) => left < 0 || right > innerWidth).map(([, name]) => name),
          small: shown
            .filter(([tag, , { width, height }]) => /BUTTON|INPUT|SELECT/.test(tag) && Math.min(width, height) < 43.5)
            .map(([, name]) => name),
        }
      })
    expect(await faults()).toEqual({ wide: [], small: [] })
  })
})

test('it is found in the settings too, and reached and used by keyboard alone', async ({ fusion }) => {
  await fusion.keyboard.press('Control+,')
  await fusion.getByRole('dialog', { name: 'Settings' }).getByRole('button', { name: 'Show server' }).press('Enter')
  await expect(fusion.getByRole('dialog')).toHaveCount(0)
  await keys(fusion).getByRole('button', { name: 'Make a key' }).press('Enter')
  await fusion.keyboard.type('By keyboard')
  await fusion.keyboard.press('Enter')
  await expect(fusion.getByRole('button', { name: 'Copy the key' })).toBeFocused()
  // It can't be shown again, so Escape does not put it away.
  await fusion.keyboard.press('Escape')
  await fusion.keyboard.press('Tab')
  await expect(fusion.getByRole('button', { name: 'Done' })).toBeFocused()
  await fusion.keyboard.press('Enter')
  await expect(fresh(fusion)).toHaveCount(0)
})
