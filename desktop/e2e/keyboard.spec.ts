import type { Page } from '@playwright/test'
import { parts } from './chat-steps.ts'
import { expect, test } from './fixtures.ts'

/** Presses Tab until this has the focus, and fails after a round. */
async function tabTo(page: Page, name: string | RegExp, role: 'button' | 'textbox' = 'button'): Promise<void> {
  const target = page.getByRole(role, { name, exact: typeof name === 'string' }).first()
  for (let step = 0; step < 60; step++) {
    if (await target.evaluate(element => element === document.activeElement)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab does not reach ${name}`)
}

test('a whole day without a mouse: ask, rename, search, delete, take it back', async ({ fusion }) => {
  const { message, answers, chats } = parts(fusion)
  await expect(message).toBeFocused()
  await fusion.keyboard.type('hello')
  await fusion.keyboard.press('Enter')
  await expect(answers).toContainText('tok/s')

  await tabTo(fusion, 'hello')
  await fusion.keyboard.press('F2')
  await fusion.keyboard.type('By keyboard')
  await fusion.keyboard.press('Enter')
  await expect(chats.getByRole('button', { name: 'By keyboard', exact: true })).toBeVisible()

  await fusion.keyboard.press('Control+Shift+o')
  await expect(answers).toHaveCount(0)
  await expect(message).toBeFocused()
  await fusion.keyboard.type('hello again')
  await fusion.keyboard.press('Enter')
  await expect(answers).toContainText('tok/s')
  await tabTo(fusion, 'hello again')
  await fusion.keyboard.press('ArrowDown')
  await expect(chats.getByRole('button', { name: 'By keyboard', exact: true })).toBeFocused()
  await fusion.keyboard.press('ArrowDown')
  await fusion.keyboard.press('ArrowUp')
  await expect(chats.getByRole('button', { name: 'hello again', exact: true })).toBeFocused()
  await fusion.keyboard.press('Control+k')
  await fusion.keyboard.type('keyboard')
  await expect(fusion.getByRole('option')).toHaveCount(1)
  await fusion.keyboard.press('Enter')
  await expect(answers).toHaveCount(1)

  await tabTo(fusion, 'More for By keyboard')
  await fusion.keyboard.press('Enter')
  await expect(fusion.getByRole('menuitem', { name: 'Rename' })).toBeFocused()
  await fusion.keyboard.press('ArrowUp')
  await expect(fusion.getByRole('menuitem', { name: 'Delete' })).toBeFocused()
  await fusion.keyboard.press('Enter')
  await tabTo(fusion, 'Undo')
  await fusion.keyboard.press('Enter')
  await expect(answers).toHaveCount(1)
})

test('what has the focus can be seen, and closing a panel gives it back', async ({ fusion }) => {
  await tabTo(fusion, 'Settings')
  const outline = await fusion.evaluate(() => getComputedStyle(document.activeElement!).outlineWidth)
  expect(outline).toBe('2px')
  await fusion.keyboard.press('Enter')
  await expect(fusion.getByRole('dialog', { name: 'Settings' })).toBeVisible()
  await fusion.keyboard.press('Escape')
  await expect(fusion.getByRole('button', { name: 'Settings', exact: true })).toBeFocused()
})
