import { ask, beginAnswer, parts, setSampling } from './chat-steps.ts'
import { addEndlessModel, endlessName } from '../../models/guide/testing/endless-model.ts'
import { startEngine, writtenChat } from './engine.ts'
import { expect, openFusion, test } from './fixtures.ts'

test.describe('while an answer grows', () => {
  test.beforeEach(async ({ home }) => addEndlessModel(home))
  test.beforeEach(async ({ fusion }) => {
    await expect(fusion.getByRole('button', { name: `Model: ${endlessName}`, exact: true })).toBeVisible()
    await setSampling(fusion, { Temperature: '0' })
  })

  test('Stop ends it and keeps what was written, and Go on continues from there', async ({ fusion }) => {
    const { stop, answers } = parts(fusion)
    await beginAnswer(fusion, 'Tell me a very long story')
    await stop.click()
    await expect(answers).toContainText('Stopped.')
    await expect(stop).toHaveCount(0)
    const kept = (await answers.locator('.markdown').innerText()).trim()
    await setSampling(fusion, { 'Longest answer': '20' })
    await fusion.getByRole('button', { name: 'Go on' }).click()
    await expect(answers).toContainText('continued here after it was cut off')
    await expect(answers).toContainText('2 of 2')
    await expect(answers.locator('.markdown')).toContainText(kept.slice(0, 40))
  })

  test('a question that is sent waits for its end, and is answered next', async ({ fusion }) => {
    const { message, send, stop, answers, questions } = parts(fusion)
    await beginAnswer(fusion, 'Tell me a very long story')
    await message.fill('hello')
    await send.click()
    await expect(questions.last()).toContainText('Waits for the answer above')
    // A second one without an end would push the question out of sight.
    await setSampling(fusion, { 'Longest answer': '20' })
    await stop.click()
    await expect(answers.last()).toContainText('Cut off: the answer reached the length that is set.')
    await expect(questions.last()).toContainText('hello')
    await expect(questions.last()).not.toContainText('Waits')
  })

  test('a reload shows the same answer growing on', async ({ fusion }) => {
    const { stop, answers } = parts(fusion)
    await beginAnswer(fusion, 'Tell me a very long story')
    const before = (await answers.locator('.markdown').innerText()).trim()
    await fusion.reload()
    await expect(answers.locator('.markdown')).toContainText(before.slice(0, 60))
    const seen = (await answers.locator('.markdown').innerText()).length
    await expect.poll(async () => (await answers.locator('.markdown').innerText()).length).toBeGreaterThan(seen)
    await stop.click()
    await expect(answers).toContainText('Stopped.')
    await expect(answers).toHaveCount(1)
  })

  test('who scrolls up is left there, and gets back to the end at a press', async ({ fusion }) => {
    const { conversation, answers, stop } = parts(fusion)
    await fusion.setViewportSize({ width: 1280, height: 480 })
    await beginAnswer(fusion, 'Tell me a very long story')
    const fromEnd = () => conversation.evaluate(log => Math.round(log.scrollHeight - log.clientHeight - log.scrollTop))
    await expect.poll(() => conversation.evaluate(log => log.scrollTop)).toBeGreaterThan(150)
    expect(await fromEnd()).toBeLessThan(30)
    await conversation.hover()
    await fusion.mouse.wheel(0, -80)
    await expect(fusion.getByRole('button', { name: 'To the newest message' })).toBeVisible()
    // The wheel turns smoothly: where it comes to rest, the text grows on below.
    const place = () => conversation.evaluate(log => Math.round(log.scrollTop))
    let rest = await place()
    await expect.poll(async () => rest === (rest = await place())).toBe(true)
    const length = (await answers.innerText()).length
    await expect.poll(async () => (await answers.innerText()).length).toBeGreaterThan(length)
    expect(Math.abs((await place()) - rest)).toBeLessThan(3)
    await stop.click()
    await fusion.getByRole('button', { name: 'To the newest message' }).click()
    await expect.poll(fromEnd).toBeLessThan(2)
  })

  test('an engine that is killed leaves what was written, says so, and offers to go on', async ({ fusion, running, home }) => {
    const { answers, stop } = parts(fusion)
    await beginAnswer(fusion, 'Tell me a very long story')
    const before = (await answers.locator('.markdown').innerText()).trim()
    // What is younger than half a second may be lost: that is the promise. What somebody read is on disk.
    await writtenChat(running.engine)
    await running.engine.end('SIGKILL')
    running.engine = await startEngine(home)
    await openFusion(fusion, running.engine)
    await parts(fusion).chats.getByRole('button', { name: 'Tell me a very long story', exact: true }).click()
    await expect(answers).toContainText(before.slice(0, 40))
    await expect(answers).toContainText('Fusion was closed while this was being written.')
    await fusion.getByRole('button', { name: 'Go on' }).click()
    await expect(answers).toContainText('continued here after it was cut off')
    await stop.click()
    await expect(answers).toContainText('2 of 2')
  })
})

test('an answer that its limit cut off says so and can go on', async ({ fusion }) => {
  await setSampling(fusion, { 'Longest answer': '4' })
  await ask(fusion, 'How do I delete a chat?')
  await expect(parts(fusion).answers).toContainText('Cut off: the answer reached the length that is set.')
  await expect(fusion.getByRole('button', { name: 'Go on' })).toBeEnabled()
})

test('a question that does not fit the window is not sent, and the words say what to do', async ({ fusion }) => {
  await ask(fusion, 'hello')
  const { message, send } = parts(fusion)
  await message.fill('many words '.repeat(3000))
  await expect(fusion.getByText('This does not fit the model’s window.')).toBeVisible()
  await expect(send).toBeDisabled()
  await message.fill('few words')
  await expect(send).toBeEnabled()
})

test('the meter says how full the window is, what fills it, and from where on the chat is read', async ({ fusion }) => {
  await setSampling(fusion, { 'Longest answer': '20', Temperature: '0' })
  const meter = fusion.getByRole('button', { name: /^Context: \S+ of 2\.0k tokens, some messages are left out$/ })
  for (let turn = 0; turn < 8 && !(await meter.isVisible()); turn++) await ask(fusion, `${turn} ${'one '.repeat(300).trim()}`)
  await meter.click()
  const panel = fusion.getByRole('dialog', { name: 'What the model reads' })
  await expect(panel).toContainText('Its window holds 2,048 tokens.')
  await expect(panel).toContainText(/\d+ earlier messages? \([\d,]+ tokens\) did not fit/)
  await fusion.keyboard.press('Escape')
  await expect(panel).toHaveCount(0)
  await parts(fusion).conversation.focus()
  const mark = fusion.getByText('Earlier messages are not read by the model any more')
  // Each page is drawn before the next is asked for: what was scrolled past is not there any more.
  for (let page = 0; page < 10 && !(await mark.isVisible()); page++) {
    await fusion.keyboard.press('PageUp')
    await mark.waitFor({ timeout: 1_000 }).catch(() => {})
  }
  await expect(mark).toBeVisible()
})
