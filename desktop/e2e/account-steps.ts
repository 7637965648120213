import { expect, type Page } from '@playwright/test'
import type { WholeCloud } from '../engine/testing/whole-cloud.ts'
import { parts } from './chat-steps.ts'

export const settings = (page: Page) => page.getByRole('dialog', { name: 'Settings' })

export async function openSettings(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Settings', exact: true }).click()
  await expect(settings(page)).toBeVisible()
}

/** By the browser: the page of the cloud that is opened is filled in by the person. */
export async function signIn(page: Page, cloud: WholeCloud): Promise<void> {
  await openSettings(page)
  await settings(page).getByLabel('Address of the cloud').fill(cloud.address)
  await settings(page).getByRole('button', { name: 'Sign in', exact: true }).click()
  const address = await settings(page).getByRole('link', { name: 'Open the page' }).getAttribute('href')
  await cloud.signIn(address!)
  await expect(settings(page)).toContainText('ada@example.org')
  await settings(page).getByRole('button', { name: 'Close' }).click()
}

export async function choose(page: Page, model: string): Promise<void> {
  const chip = parts(page)
    .message.locator('..')
    .getByRole('button', { name: /^Model:/ })
  await chip.click()
  await page.getByRole('radio', { name: model }).click()
}
