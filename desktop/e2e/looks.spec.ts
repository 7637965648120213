import { ask, parts } from './chat-steps.ts'
import { expect, test } from './fixtures.ts'
import { seedChat } from './seed.ts'

test.describe('in a narrow window', () => {
  test.use({ viewport: { width: 390, height: 780 }, hasTouch: true })

  test.beforeEach(({ home }) =>
    seedChat(home, `A title of very many words ${'and more words '.repeat(10)}`.trim(), [
      'x'.repeat(300),
      `\`\`\`js\nconst wide = '${'wide code '.repeat(40)}'\n\`\`\`\n\n|${' a column |'.repeat(20)}\n|${'---|'.repeat(20)}\n|${' 1 |'.repeat(20)}`,
    ]),
  )

  test('the chats lie in a drawer, nothing is wider than the window, and what is pressed is large enough', async ({ fusion }) => {
    const { chats } = parts(fusion)
    await expect(chats).toBeHidden()
    await ask(fusion, 'How do I delete a chat?')
    // Sizes in CSS px; links within a sentence are as high as their line.
    const small = () =>
      fusion.evaluate(() =>
        [...document.querySelectorAll('main :is(button, textarea, input, select)')]
          .filter(each => each.checkVisibility({ visibilityProperty: true }))
          .map(each => [each.ariaLabel ?? each.textContent, each.getBoundingClientRect()] as const)
          .filter(([, { width, height }]) => width > 0 && Math.min(width, height) < 43.5)
          .map(([name]) => name),
      )
    expect(await small()).toEqual([])
    await fusion.getByRole('button', { name: 'Show chats' }).click()
    await chats
      .getByRole('button', { name: /^A title/ })
      .first()
      .click()
    // The log scrolls up and down only; code and tables scroll in themselves.
    const wide = () =>
      fusion.evaluate(() =>
        [...document.querySelectorAll('main article, main header, main .box, main .send')]
          .map(element => element.getBoundingClientRect())
          .filter(({ left, right }) => left < 0 || right > innerWidth),
      )
    await expect(parts(fusion).answers).toContainText('wide code')
    expect(await wide()).toEqual([])
    await fusion.getByRole('button', { name: 'Show chats' }).click()
    await expect(chats).toBeVisible()
    const row = chats.getByRole('button', { name: 'How do I delete a chat?', exact: true })
    for (const target of [row, chats.getByRole('button', { name: 'New chat' })]) {
      await expect.poll(async () => (await target.boundingBox())!.height).toBeGreaterThanOrEqual(44)
    }
    await row.click()
    await expect(chats).toBeHidden()
    await fusion.getByRole('button', { name: 'Show chats' }).click()
    await fusion.keyboard.press('Escape')
    await expect(chats).toBeHidden()
  })
})

test('buttons are as high as buttons, wherever they stand', async ({ fusion }) => {
  const heights = () =>
    fusion.evaluate(() => [...document.querySelectorAll('.button')].map(button => button.getBoundingClientRect().height))
  await ask(fusion, 'hello')
  await parts(fusion).questions.hover()
  await parts(fusion).questions.getByRole('button', { name: 'Edit' }).click()
  await expect(fusion.getByRole('button', { name: 'Ask this instead' })).toBeVisible()
  expect(Math.max(...(await heights()))).toBeLessThan(40)
  await fusion.keyboard.press('Escape')
  await fusion.getByRole('main').getByRole('button', { name: 'More for hello' }).click()
  await fusion.getByRole('menuitem', { name: 'New folder…' }).click()
  await expect(fusion.getByRole('button', { name: 'Make folder' })).toBeVisible()
  expect(Math.max(...(await heights()))).toBeLessThan(40)
})

test('the theme follows the computer, or the person, and stays after a reload', async ({ fusion }) => {
  const background = () => fusion.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const [light, dark] = ['rgb(251, 250, 247)', 'rgb(22, 22, 20)']
  await fusion.emulateMedia({ colorScheme: 'dark' })
  await expect.poll(background).toBe(dark)
  await fusion.emulateMedia({ colorScheme: 'light' })
  await expect.poll(background).toBe(light)
  await fusion.getByRole('button', { name: 'Settings', exact: true }).click()
  await fusion.getByRole('radio', { name: 'Dark' }).click()
  await expect.poll(background).toBe(dark)
  await fusion.reload()
  await expect.poll(background).toBe(dark)
})

test('text has at least the contrast that WCAG AA asks for, in both themes', async ({ fusion }) => {
  await ask(fusion, 'How do I delete a chat?')
  for (const colorScheme of ['light', 'dark'] as const) {
    await fusion.emulateMedia({ colorScheme })
    await expect(fusion.locator('html')).toHaveAttribute('data-theme', colorScheme)
    const ratios = await fusion.evaluate(() => {
      const style = getComputedStyle(document.documentElement)
      const luminance = (name: string) => {
        const hex = style.getPropertyValue(name).trim().slice(1)
        const [red, green, blue] = [0, 2, 4].map(at => {
          const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255
          return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
        })
        return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
      }
      const names = ['--ink', '--soft', '--faint', '--desk', '--cloud', '--bad']
      return names.flatMap(text =>
        ['--paper', '--panel', '--raise'].map(ground => {
          const [a, b] = [luminance(text), luminance(ground)]
          return { pair: `${text} on ${ground}`, ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) }
        }),
      )
    })
    expect(ratios.filter(({ ratio }) => ratio < 4.5)).toEqual([])
  }
})
