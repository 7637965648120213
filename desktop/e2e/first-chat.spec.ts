import { ask, parts } from './chat-steps.ts'
import { expect, openFusion, test } from './fixtures.ts'

test('the first run says what the guide is and is not, and answers a question at a press', async ({ fusion }) => {
  await expect(
    fusion.getByText('The bundled guide is a very small model that answers questions about Fusion; for anything else add a model.'),
  ).toBeVisible()
  await fusion.getByRole('button', { name: 'Can I use Fusion offline?' }).click()
  const { questions, answers, chats } = parts(fusion)
  await expect(questions).toHaveText(/Can I use Fusion offline\?/)
  await expect(answers).toContainText('This computer')
  await expect(answers).toContainText(/Fusion Guide Q4_K_M · \S+ tok\/s/)
  await expect(chats.getByRole('button', { name: 'Can I use Fusion offline?', exact: true })).toHaveAttribute('aria-current', 'page')
  await expect(fusion).toHaveTitle('Can I use Fusion offline? · Fusion')
})

test('the token leaves the address bar, and a reload and a second tab need none', async ({ fusion, context, running }) => {
  expect(fusion.url()).not.toContain('token')
  const answer = await ask(fusion, 'hello')
  await fusion.reload()
  await expect(parts(fusion).answers).toHaveText([answer.replaceAll(/\s+/g, ' ')], { useInnerText: true })
  const second = await context.newPage()
  await second.goto(`http://127.0.0.1:${running.engine.port}/`)
  await parts(second).chats.getByRole('button', { name: 'hello', exact: true }).click()
  await expect(parts(second).answers).toHaveCount(1)
})

test('a browser that was not let in is told how to get in, in one sentence', async ({ page, running }) => {
  await page.goto(`http://127.0.0.1:${running.engine.port}/`)
  await expect(page.getByText(/Open Fusion by the address that is printed in the terminal/)).toBeVisible()
  await page.goto(`http://127.0.0.1:${running.engine.port}/#token=wrong`)
  await expect(page.getByText(/Open Fusion by the address that is printed in the terminal/)).toBeVisible()
  await openFusion(page, running.engine)
})

test('two windows on one chat show the same', async ({ fusion, context, running }) => {
  await ask(fusion, 'hello')
  const second = await context.newPage()
  await openFusion(second, running.engine)
  await parts(second).chats.getByRole('button', { name: 'hello', exact: true }).click()
  await ask(fusion, 'Is my data private?')
  await expect(parts(second).questions).toHaveCount(2)
  await expect(parts(second).answers.last()).toContainText('tok/s')
})

test('nothing is announced twice: the log is silent, and one voice says whole sentences', async ({ fusion }) => {
  await expect(parts(fusion).conversation).toHaveAttribute('aria-live', 'off')
  const heard = fusion.getByLabel('News')
  await parts(fusion).message.fill('How do I delete a chat?')
  await parts(fusion).send.click()
  await expect(heard).toContainText('End of the answer.')
  await expect(heard).toContainText('Delete')
})
