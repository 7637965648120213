import { parts } from './chat-steps.ts'
import { expect, test } from './fixtures.ts'
import { seedChat } from './seed.ts'

const code = 'const answer = 42 // "the" one\nreturn answer'
const answer = `Like **this**:\n\n\`\`\`ts\n${code}\n\`\`\``

test.beforeEach(({ home }) => seedChat(home, 'Code', ['How do I\nwrite *code*?', answer]))

test('code has colours, and code, an answer and a question are copied as they were written', async ({ fusion, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const { chats, answers, questions } = parts(fusion)
  await chats.getByRole('button', { name: 'Code', exact: true }).click()
  const block = answers.locator('pre')
  const colourOf = (text: string) => block.getByText(text, { exact: true }).evaluate(part => getComputedStyle(part).color)
  const plain = await block.evaluate(part => getComputedStyle(part).color)
  for (const part of ['const', '42', '// "the" one']) expect(await colourOf(part)).not.toBe(plain)

  for (const [button, text] of [
    [answers.getByRole('button', { name: 'Copy code' }), code],
    [answers.getByRole('button', { name: 'Copy answer' }), answer],
    [questions.getByRole('button', { name: 'Copy question' }), 'How do I\nwrite *code*?'],
  ] as const) {
    // It says so for two seconds: looked for from before on, in every frame.
    const copied = fusion.getByRole('button', { name: 'Copied' }).last().waitFor()
    await button.click()
    await copied
    await expect.poll(() => fusion.evaluate(() => navigator.clipboard.readText())).toBe(text)
  }
})
