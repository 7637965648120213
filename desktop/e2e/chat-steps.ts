import { expect, type Page } from '@playwright/test'

/** By the names that programs and screen readers rely on. */
export const parts = (page: Page) => ({
  message: page.getByRole('textbox', { name: 'Message' }),
  send: page.getByRole('button', { name: 'Send' }),
  stop: page.getByRole('button', { name: 'Stop' }),
  chats: page.getByRole('navigation', { name: 'Chats' }),
  conversation: page.getByRole('log', { name: 'Conversation' }),
  questions: page.getByRole('article', { name: 'You' }),
  answers: page.getByRole('article', { name: 'Assistant' }),
})

/** Loading the bundled model and its first answer, on a slow machine. */
const FIRST_ANSWER_MS = 60_000

/** Asks in the open chat and waits for the whole answer; gives its text. Only messages near the end are on the page, so they are not counted. */
export async function ask(page: Page, question: string): Promise<string> {
  const { message, send, stop, questions, answers } = parts(page)
  if ((await answers.count()) > 0) await answers.last().evaluate(answer => answer.setAttribute('data-before', ''))
  await message.fill(question)
  await send.click()
  await expect(questions.last()).toContainText(question)
  await expect(answers.last()).not.toHaveAttribute('data-before', { timeout: FIRST_ANSWER_MS })
  await expect(stop).toHaveCount(0, { timeout: FIRST_ANSWER_MS })
  await expect(answers.last()).toContainText(/\w/)
  await expect(message).toBeEditable()
  return answers.last().innerText()
}

/** Sets how words are chosen, in the settings, as a person would. */
export async function setSampling(page: Page, fields: Record<string, string>): Promise<void> {
  await page.getByRole('button', { name: 'Settings', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'Settings' })
  await dialog.getByText('How words are chosen').click()
  for (const [label, value] of Object.entries(fields)) {
    const field = dialog.getByLabel(label, { exact: true })
    await field.fill(value)
    await field.press('Enter')
    await expect(field).toHaveValue(value)
  }
  await dialog.getByRole('button', { name: 'Close' }).click()
  await expect(dialog).toHaveCount(0)
}

/** Sends a question and waits for the first words of its answer. */
export async function beginAnswer(page: Page, question: string): Promise<void> {
  const { message, send, answers } = parts(page)
  await message.fill(question)
  await send.click()
  await expect(answers.last().locator('.markdown')).toContainText(/\w{3}/, { timeout: FIRST_ANSWER_MS })
}

/** Opens the menu of a chat in the list. */
export async function openMenu(page: Page, title: string): Promise<void> {
  const { chats } = parts(page)
  await chats.getByRole('button', { name: title, exact: true }).hover()
  await chats.getByRole('button', { name: `More for ${title}` }).click()
}
