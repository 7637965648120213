import { ask, parts } from './chat-steps.ts'
import { startEngine, writtenChat } from './engine.ts'
import { expect, openFusion, test } from './fixtures.ts'

test('a draft is there again after the engine was killed', async ({ fusion, running, home }) => {
  const { message } = parts(fusion)
  await ask(fusion, 'hello')
  await message.fill('half a thought')
  // No press and no sign on the page is needed for it.
  await expect.poll(async () => (await writtenChat(running.engine)).draft.text).toBe('half a thought')
  await running.engine.end('SIGKILL')
  running.engine = await startEngine(home)
  await openFusion(fusion, running.engine)
  await parts(fusion).chats.getByRole('button', { name: 'hello', exact: true }).click()
  await expect(message).toHaveValue('half a thought')
})

test('without a connection the page says so, typing goes on, and Send waits', async ({ fusion, running, home }) => {
  const { message, send } = parts(fusion)
  await ask(fusion, 'hello')
  const { port } = running.engine
  await running.engine.end('SIGKILL')
  await expect(fusion.getByText('The connection to the engine was lost.')).toBeVisible()
  await message.fill('written meanwhile')
  await expect(send).toBeDisabled()
  await message.press('Enter')
  await expect(message).toHaveValue('written meanwhile')
  // A new engine has new secrets: this window has to be let in again, as another tab does here, and then goes on by itself.
  running.engine = await startEngine(home, port)
  await expect(fusion.getByText(/Open Fusion by the address/)).toBeVisible()
  const other = await fusion.context().newPage()
  await other.goto(running.engine.address)
  await expect(parts(other).message).toBeVisible()
  await expect(message).toHaveValue('written meanwhile')
  await expect(send).toBeEnabled()
})

test('Enter sends, Shift+Enter makes a line, and Enter that ends a composition does neither', async ({ fusion }) => {
  const { message, questions } = parts(fusion)
  await message.click()
  await fusion.keyboard.type('first line')
  await fusion.keyboard.press('Shift+Enter')
  await fusion.keyboard.type('second line')
  await expect(message).toHaveValue('first line\nsecond line')
  await message.dispatchEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true })
  await message.dispatchEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true })
  await expect(questions).toHaveCount(0)
  await fusion.keyboard.press('Enter')
  await expect(questions).toContainText('first line second line')
  await expect(message).toHaveValue('')
})

test('text files are attached with their exact tokens, read by a press, and what is not text is refused by name', async ({ fusion }) => {
  await ask(fusion, 'hello')
  const { message, questions, answers } = parts(fusion)
  await fusion.getByLabel('Files to attach').setInputFiles([
    { name: 'notes.md', mimeType: 'text/markdown', buffer: Buffer.from('# Notes\n\nRemember the milk.') },
    { name: 'picture.png', mimeType: 'image/png', buffer: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 1]) },
  ])
  const attached = fusion.getByRole('list', { name: 'Attached files' }).getByRole('listitem')
  await expect(attached).toHaveCount(1)
  await expect(attached).toContainText(/notes\.md\s*\d+ tokens/)
  await expect(fusion.getByText('picture.png is not a text file.')).toBeVisible()
  await fusion.reload()
  await expect(attached).toContainText('notes.md')
  await message.fill('hello')
  await message.press('Enter')
  await expect(attached).toHaveCount(0)
  await expect(answers).toHaveCount(2)
  await questions
    .last()
    .getByRole('button', { name: /notes\.md/ })
    .click()
  await expect(fusion.getByRole('dialog', { name: 'notes.md' })).toContainText('Remember the milk.')
})

test('files can be dropped and pasted, and taken out again', async ({ fusion }) => {
  const { message } = parts(fusion)
  const attached = fusion.getByRole('list', { name: 'Attached files' }).getByRole('listitem')
  for (const kind of ['drop', 'paste']) {
    const data = await fusion.evaluateHandle(name => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([`text of ${name}`], `${name}.txt`, { type: 'text/plain' }))
      return transfer
    }, kind)
    if (kind === 'drop') await message.dispatchEvent('drop', { dataTransfer: data })
    else
      await message.evaluate(
        (area, clipboardData) => area.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true })),
        data,
      )
    await expect(attached.filter({ hasText: `${kind}.txt` })).toBeVisible()
  }
  await fusion.getByRole('button', { name: 'Take out drop.txt' }).click()
  await expect(attached).toHaveCount(1)
})

test('a message that is longer than Fusion takes is said to be, and stays where it was written', async ({ fusion }) => {
  const { message, send, questions } = parts(fusion)
  await ask(fusion, 'hello')
  const words = fusion.getByText('This message is too long: 8 million characters are the most.')
  await message.fill('x'.repeat(8_000_001))
  await expect(words).toBeVisible()
  await expect(send).toBeDisabled()
  await message.fill('')
  await expect(words).toHaveCount(0)

  await questions.last().getByRole('button', { name: 'Edit' }).click()
  const edited = fusion.getByRole('textbox', { name: 'Edit the question' })
  await edited.fill('x'.repeat(8_000_001))
  await fusion.getByRole('button', { name: 'Ask this instead' }).click()
  await expect(words).toBeVisible()
  expect(await edited.evaluate((area: HTMLTextAreaElement) => area.value.length)).toBe(8_000_001)
})

test('a question of two megabytes can be pasted and shown without holding up the page', async ({ fusion }) => {
  const { message, send } = parts(fusion)
  await ask(fusion, 'hello')
  await message.fill('x'.repeat(2_000_000))
  await expect(fusion.getByText('This does not fit the model’s window.')).toBeVisible()
  await expect(send).toBeDisabled()
})
