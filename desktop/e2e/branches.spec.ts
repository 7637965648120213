import { ask, parts } from './chat-steps.ts'
import { expect, test } from './fixtures.ts'

test('an edited question makes a branch, and both can be read', async ({ fusion }) => {
  const { questions, answers } = parts(fusion)
  await ask(fusion, 'hello')
  await questions.hover()
  await questions.getByRole('button', { name: 'Edit' }).click()
  const field = fusion.getByRole('textbox', { name: 'Edit the question' })
  await expect(field).toBeFocused()
  await field.fill('Is my data private?')
  await fusion.getByRole('button', { name: 'Ask this instead' }).click()
  await expect(questions).toContainText('2 of 2')
  await expect(questions).toContainText('Is my data private?')
  await expect(answers).toContainText('tok/s')
  await fusion.getByRole('button', { name: 'Earlier version' }).click()
  await expect(questions).toContainText('hello')
  await expect(questions).toContainText('1 of 2')
  await fusion.getByRole('button', { name: 'Later version' }).click()
  await expect(questions).toContainText('Is my data private?')
})

test('answering again keeps the answer that was there', async ({ fusion }) => {
  await ask(fusion, 'hello')
  const { answers } = parts(fusion)
  await answers.getByRole('button', { name: 'Answer again' }).click()
  await expect(answers).toContainText('2 of 2')
  await expect(answers).toHaveCount(1)
  await answers.getByRole('button', { name: 'Earlier version' }).click()
  await expect(answers).toContainText('1 of 2')
})

test('a question that is not changed after all stays as it was', async ({ fusion }) => {
  await ask(fusion, 'hello')
  const { questions } = parts(fusion)
  await questions.hover()
  await questions.getByRole('button', { name: 'Edit' }).click()
  await fusion.getByRole('textbox', { name: 'Edit the question' }).fill('something else')
  await fusion.keyboard.press('Escape')
  await expect(questions).toContainText('hello')
  await expect(questions.getByRole('button', { name: 'Earlier version' })).toHaveCount(0)
})
