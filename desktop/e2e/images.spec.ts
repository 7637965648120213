import { join } from 'node:path'
import { startHeadless } from '../engine/testing/headless.ts'
import { type PictureServer, startPictureServer } from '../engine/testing/picture-server.ts'
import { parts } from './chat-steps.ts'
import { expect, test as base } from './fixtures.ts'
import { seedChat } from './seed.ts'

const shell = join(import.meta.dirname, '../engine/testing/serve-with-pictures.ts')

/** A test with a host of pictures, to which this engine's rule lets it. What the page itself asks for, the fixture of `fusion` sees. */
const test = base.extend<{ pictures: PictureServer; at: (path: string) => string }>({
  // oxlint-disable-next-line no-empty-pattern -- Playwright reads the names of the fixtures from this pattern.
  pictures: async ({}, use) => {
    const pictures = await startPictureServer()
    await use(pictures)
    pictures.close()
  },
  at: async ({ pictures }, use) => use(path => `http://pictures.example:${pictures.port}${path}`),
  running: async ({ home, pictures }, use) => {
    const running = { engine: await startHeadless(home, { entry: shell, args: [String(pictures.port)], env: { FUSION_LOG: 'warn' } }) }
    await use(running)
    await running.engine.end()
  },
})

const paths = ['/picture.png', '/drip.png', '/page.png', '/drawing.svg', '/huge.png', '/endless.png', '/sent-home.png', '/nothing.png']

test.beforeEach(({ home, at }) => {
  seedChat(home, 'Pictures', ['Show me', paths.map(path => `![of ${path}](${at(path)})`).join('\n\n')])
  seedChat(home, 'Other', ['Show me', `![of /picture.png](${at('/picture.png')})`])
})

test('an image is asked for when its button is pressed and not before, and the page itself asks nobody', async ({ fusion, pictures }) => {
  await parts(fusion).chats.getByRole('button', { name: 'Pictures', exact: true }).click()
  const { answers } = parts(fusion)
  const show = answers.getByRole('button', { name: 'Show image: of /picture.png', exact: true })
  await expect(show).toHaveAccessibleDescription(
    /^Fusion will ask pictures\.example:\d+\. .* learns the address above and that of your computer\./,
  )
  expect(pictures.visits).toEqual([])

  await show.focus()
  await fusion.keyboard.press('Enter')
  const image = answers.getByRole('img', { name: 'of /picture.png', exact: true })
  await expect
    .poll(() => image.evaluate((img: HTMLImageElement) => [img.complete, img.naturalWidth, img.naturalHeight]))
    .toEqual([true, 5, 3])
  expect(await image.getAttribute('src')).toMatch(/^blob:http:\/\/127\.0\.0\.1/)
  // The focus stays where it was: on the button that now takes the image away again.
  const hide = answers.getByRole('button', { name: 'Hide image: of /picture.png', exact: true })
  await expect(hide).toBeFocused()
  expect(pictures.visits.map(({ path }) => path)).toEqual(['/picture.png'])
  await fusion.keyboard.press('Enter')
  await expect(image).toHaveCount(0)
  await expect(show).toBeFocused()
})

test('the click holds while the chat is open: in another chat, and after coming back, it is asked again', async ({ fusion, pictures }) => {
  const { chats, answers } = parts(fusion)
  await chats.getByRole('button', { name: 'Pictures', exact: true }).click()
  const show = answers.getByRole('button', { name: 'Show image: of /picture.png', exact: true })
  const image = answers.getByRole('img', { name: 'of /picture.png', exact: true })
  await show.click()
  await expect(image).toBeVisible()
  for (const title of ['Other', 'Pictures']) {
    await chats.getByRole('button', { name: title, exact: true }).click()
    await expect(show).toBeVisible()
    await expect(image).toHaveCount(0)
  }
  expect(pictures.visits).toHaveLength(1)
})

test('what a host sends in place of a picture ends in words, and nothing of it is shown', async ({ fusion, pictures }) => {
  await parts(fusion).chats.getByRole('button', { name: 'Pictures', exact: true }).click()
  const { answers } = parts(fusion)
  for (const [path, words] of [
    ['/page.png', 'What came is not an image that Fusion can show.'],
    ['/drawing.svg', 'This image is an SVG'],
    ['/huge.png', '50000 by 50000 pixels'],
    ['/endless.png', 'The file is larger than 20 MB.'],
    ['/sent-home.png', 'is not a place on the public internet.'],
    ['/nothing.png', 'did not send the image: it answered with status 404.'],
  ] as const) {
    await answers.getByRole('button', { name: `Show image: of ${path}`, exact: true }).click()
    const again = answers.getByRole('button', { name: `Try again: of ${path}`, exact: true })
    await expect(again).toHaveAccessibleDescription(new RegExp(words.replaceAll('.', String.raw`\.`)))
  }
  await expect(answers.getByRole('img')).toHaveCount(0)
  expect(pictures.neighbour.visits).toEqual([])
})

test('what takes long can be stopped, and ends when another chat is opened', async ({ fusion, pictures }) => {
  const { chats, answers } = parts(fusion)
  await chats.getByRole('button', { name: 'Pictures', exact: true }).click()
  const show = answers.getByRole('button', { name: 'Show image: of /drip.png', exact: true })
  await show.click()
  await expect(answers.getByText(/^Asking pictures\.example/)).toBeVisible()
  await expect.poll(() => pictures.visits.length).toBe(1)
  await answers.getByRole('button', { name: 'Stop: of /drip.png', exact: true }).click()
  await pictures.left
  await expect(show).toBeFocused()
  await show.click()
  await expect.poll(() => pictures.visits.length).toBe(2)
  await chats.getByRole('button', { name: 'Other', exact: true }).click()
  await expect.poll(() => pictures.waiting()).toBe(0)
})

test('a local-only chat offers no button and asks nobody', async ({ fusion, pictures }) => {
  await parts(fusion).chats.getByRole('button', { name: 'Other', exact: true }).click()
  const { answers } = parts(fusion)
  const show = answers.getByRole('button', { name: 'Show image: of /picture.png', exact: true })
  await expect(show).toBeVisible()
  await fusion.getByRole('button', { name: 'Chat settings' }).click()
  const settings = fusion.getByRole('dialog', { name: 'Chat settings' })
  await settings.getByRole('radio', { name: 'This computer only' }).click()
  await settings.getByRole('button', { name: 'Close' }).click()
  await expect(show).toHaveCount(0)
  await expect(answers.getByText('This chat is for this computer only, so Fusion asks nobody for it.')).toBeVisible()
  expect(pictures.visits).toEqual([])
})
