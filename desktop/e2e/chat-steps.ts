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

/** Asks in the open chat and waits for the whole answer; gives its text. */
export async function ask(page: Page, question: string): Promise<string> {
  const { message, send, stop, questions, answers } = parts(page)
  const before = await answers.count()
  await message.fill(question)
  await send.click()
  await expect(questions.last()).toContainText(question)
  await expect(answers).toHaveCount(before + 1, { timeout: FIRST_ANSWER_MS })
  await expect(stop).toHaveCount(0, { timeout: FIRST_ANSWER_MS })
  await expect(answers.last()).toContainText(/\w/)
  await expect(message).toBeEditable()
  return answers.last().innerText()
}
