import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { ask, parts } from './chat-steps.ts'
import { otherModel } from './engine.ts'
import { expect, test } from './fixtures.ts'

const chip = (page: Page) =>
  parts(page)
    .message.locator('..')
    .getByRole('button', { name: /^Model:/ })
const dialog = (page: Page) => page.getByRole('dialog', { name: 'Add a model' })

async function openAddModel(page: Page): Promise<void> {
  await chip(page).click()
  await page.getByRole('button', { name: 'Add a model' }).last().click()
  await expect(dialog(page)).toBeVisible()
}

test('a model is added from a folder of this computer and answers', async ({ fusion, home }) => {
  mkdirSync(join(home, 'elsewhere'))
  copyFileSync(otherModel, join(home, 'elsewhere/other.gguf'))
  await openAddModel(fusion)
  await fusion.getByRole('textbox', { name: 'Folder or file' }).fill(home)
  await fusion.getByRole('button', { name: 'Open' }).click()
  await fusion.getByRole('button', { name: 'elsewhere' }).click()
  await fusion.getByRole('button', { name: /other\.gguf/ }).click()
  await expect(dialog(fusion)).toContainText('is ready to use.')
  await fusion.getByRole('button', { name: 'Use it here' }).click()
  await ask(fusion, 'hello')
  await expect(parts(fusion).answers).toContainText('F16')
})

test('a model that is dropped on the window is copied in and answers; the chat can go back to the guide', async ({ fusion }) => {
  const bytes = (await readFile(otherModel)).toString('base64')
  const data = await fusion.evaluateHandle(async base64 => {
    const transfer = new DataTransfer()
    transfer.items.add(new File([Uint8Array.from(atob(base64), character => character.charCodeAt(0))], 'dropped.gguf'))
    return transfer
  }, bytes)
  await parts(fusion).conversation.dispatchEvent('drop', { dataTransfer: data })
  await expect(dialog(fusion)).toContainText('is ready to use.')
  await fusion.getByRole('button', { name: 'Use it here' }).click()
  await ask(fusion, 'hello')
  await expect(parts(fusion).answers).toContainText('F16')
  await chip(fusion).click()
  await fusion.getByRole('radio', { name: /Q4_K_M/ }).click()
  await ask(fusion, 'hello')
  await expect(parts(fusion).answers.last()).toContainText('Q4_K_M')
})

test('a file that is no model is refused in words, and so is one that is cut off', async ({ fusion, home }) => {
  writeFileSync(join(home, 'recipe.gguf'), 'flour and water')
  writeFileSync(join(home, 'half.gguf'), (await readFile(otherModel)).subarray(0, 2_000_000))
  await openAddModel(fusion)
  const field = fusion.getByRole('textbox', { name: 'Folder or file' })
  for (const [name, words] of [
    ['recipe.gguf', 'is not a model file.'],
    ['half.gguf', 'is damaged or not whole.'],
    ['none.gguf', 'none.gguf could not be read.'],
  ] as const) {
    await field.fill(join(home, name))
    await fusion.getByRole('button', { name: 'Add', exact: true }).click()
    await expect(dialog(fusion).getByRole('alert').filter({ hasText: words }).first()).toBeVisible()
  }
})

test('a model is unloaded and loaded again from the picker', async ({ fusion }) => {
  await ask(fusion, 'hello')
  await chip(fusion).click()
  await fusion.getByRole('button', { name: /^Unload/ }).click()
  await expect(fusion.getByRole('radio')).toContainText('not loaded')
  await fusion.getByRole('button', { name: /^Load/ }).click()
  await expect(fusion.getByRole('radio')).toContainText('ready on the CPU')
})
