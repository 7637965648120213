import { parts, ask } from './chat-steps.ts'
import { expect, test } from './fixtures.ts'
import { seedChat } from './seed.ts'

const COUNT = 10_000

test.beforeEach(({ home }) => {
  const text = (index: number) =>
    index % 2 === 0 ? `Question ${index}.` : `Answer ${index}. ${'And more of it. '.repeat(1 + ((index * 7) % 60))}`
  seedChat(
    home,
    'Long',
    Array.from({ length: COUNT }, (_, index) => text(index)),
  )
})

test('a chat of ten thousand messages opens at its end, holds a few of them, and can be read to its beginning', async ({ fusion }) => {
  const { chats, answers, conversation } = parts(fusion)
  await chats.getByRole('button', { name: 'Long', exact: true }).click()
  await expect(answers.last()).toContainText(`Answer ${COUNT - 1}.`)
  expect(await fusion.getByRole('article').count()).toBeLessThan(60)
  await conversation.focus()
  await fusion.keyboard.press('Home')
  await expect(parts(fusion).questions.first()).toContainText('Question 0.')
  expect(await fusion.getByRole('article').count()).toBeLessThan(60)
  await fusion.keyboard.press('End')
  await expect(answers.last()).toContainText(`Answer ${COUNT - 1}.`)
})

test('what is read does not move while rows above it are measured for the first time', async ({ fusion }) => {
  const { chats, answers, conversation } = parts(fusion)
  await chats.getByRole('button', { name: 'Long', exact: true }).click()
  await expect(answers.last()).toContainText(`Answer ${COUNT - 1}.`)
  await conversation.evaluate(log => (log.scrollTop -= 700))
  await expect(fusion.getByRole('button', { name: 'To the newest message' })).toBeVisible()
  await expect(conversation.locator('[aria-busy=true]')).toHaveCount(0)
  // Between two frames of a slow scroll upwards, a row in sight may move by what was scrolled, and by nothing else.
  const jumps = await conversation.evaluate(async log => {
    // Behind the frame's layout, where what it changed was put right: as it is painted.
    const frame = () => new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)))
    const top = (row: Element) => row.getBoundingClientRect().top
    const found: number[] = []
    for (let step = 0; step < 200; step++) {
      const row = [...log.querySelectorAll('.row')].find(each => top(each) > 120)!
      const before = top(row)
      log.scrollTop -= 60
      await frame()
      await frame()
      const moved = top(row) - before
      if (row.isConnected && Math.abs(moved - 60) > 2) found.push(Math.round(moved))
    }
    return found
  })
  expect(jumps).toEqual([])
})

test('a search hit in the middle is brought into view', async ({ fusion }) => {
  await fusion.keyboard.press('Control+k')
  await fusion.getByRole('combobox', { name: 'Search everything' }).fill('"Question 4242"')
  await fusion.getByRole('option').filter({ hasText: '4242' }).first().click()
  await expect(parts(fusion).questions.filter({ hasText: 'Question 4242.' })).toBeInViewport()
  await fusion.getByRole('button', { name: 'To the newest message' }).click()
  await ask(fusion, 'hello')
})
