import { join } from 'node:path'
import { addEndlessModel } from '../../models/guide/testing/endless-model.ts'
import { startWholeCloud, type WholeCloud } from '../engine/testing/whole-cloud.ts'
import { choose, openSettings, settings, signIn } from './account-steps.ts'
import { parts } from './chat-steps.ts'
import { expect, test as base } from './fixtures.ts'

const test = base.extend<{ cloud: WholeCloud }>({
  cloud: async ({ home }, use) => {
    // Its own data lies beside the app's, as on one machine.
    addEndlessModel(join(home, 'cloud/model-server'))
    const cloud = await startWholeCloud(home)
    await use(cloud)
    await cloud.end()
  },
})
test.setTimeout(120_000)

test('a person signs in, chooses a model of the cloud, sees where their words go and where the answer was made, and signs out', async ({
  fusion,
  cloud,
}) => {
  await signIn(fusion, cloud)
  await choose(fusion, 'guide-q4_k_m')
  const host = new URL(cloud.address).host
  await expect(fusion.getByText(`What you write in this chat goes to ${host}.`)).toBeVisible()
  const { message, send, answers } = parts(fusion)
  await message.fill('hello')
  await send.click()
  await expect(answers.last()).toContainText(/Cloud\s*guide-q4_k_m/)
  await openSettings(fusion)
  await settings(fusion).getByRole('button', { name: 'Sign out' }).click()
  await expect(settings(fusion).getByLabel('Address of the cloud')).toHaveValue(cloud.address)
  await settings(fusion).getByRole('button', { name: 'Close' }).click()
  await message.fill('And now?')
  await send.click()
  await expect(answers.last()).toContainText('You are not signed in, or no longer.')
  await expect(answers.last().getByRole('button', { name: 'Sign in' })).toBeVisible()
})

test('the choice of a model can be left to the cloud', async ({ fusion, cloud }) => {
  await signIn(fusion, cloud)
  await choose(fusion, 'Automatic')
  const { message, send, answers } = parts(fusion)
  await message.fill('hello')
  await send.click()
  const stop = fusion.getByRole('button', { name: 'Stop', exact: true })
  await expect(answers.last().locator('.growing')).toContainText(/\w+ \w+/)
  await stop.click()
  await expect(answers.last()).toContainText('Stopped.')
  await expect(fusion.getByRole('button', { name: 'Model: Automatic, in the cloud', exact: true })).toBeVisible()
})

test('what grows in the cloud is marked in its colour', async ({ fusion, cloud }) => {
  await signIn(fusion, cloud)
  await choose(fusion, 'endless')
  const { message, send, answers } = parts(fusion)
  await message.fill('Tell me a story')
  await send.click()
  const growing = answers.last().locator('.growing')
  await expect(growing).toContainText(/\w+ \w+/)
  const colours = await growing.evaluate(element => {
    const colourOf = (name: string) => {
      const probe = document.body.appendChild(document.createElement('i'))
      probe.style.color = `var(${name})`
      const { color } = getComputedStyle(probe)
      probe.remove()
      return color
    }
    const last = element.querySelector(':scope > :last-child')!
    const caret = [last, ...last.querySelectorAll('*')].map(one => getComputedStyle(one, '::after')).find(({ content }) => content === '""')
    return { caret: caret?.backgroundColor, cloud: colourOf('--cloud') }
  })
  expect(colours.caret).toBe(colours.cloud)
  await fusion.getByRole('button', { name: 'Stop', exact: true }).click()
})

test('a chat that asks first asks in the column, and sends nothing when the person says no', async ({ fusion, cloud }) => {
  await signIn(fusion, cloud)
  const { message, send, answers } = parts(fusion)
  await message.fill('hello')
  await send.click()
  await expect(answers.last()).toContainText(/This computer/)
  await fusion.getByRole('button', { name: 'Chat settings' }).click()
  await fusion.getByRole('radio', { name: 'Ask first' }).click()
  await fusion.getByRole('dialog', { name: 'Chat settings' }).getByRole('button', { name: 'Close' }).click()
  await choose(fusion, 'guide-q4_k_m')
  await expect(fusion.getByText(`Fusion asks before what you write goes to ${new URL(cloud.address).host}.`)).toBeVisible()
  await message.fill('May it leave?')
  await send.click()
  await expect(answers.last()).toContainText(`Send this question to ${new URL(cloud.address).host}?`)
  await answers.last().getByRole('button', { name: 'Do not send' }).click()
  await expect(answers.last()).toContainText('Stopped')
  await answers.last().getByRole('button', { name: 'Try again' }).click()
  await answers.last().getByRole('button', { name: 'Send', exact: true }).click()
  await expect(answers.last()).toContainText(/Cloud\s*guide-q4_k_m/)
})

test('a code is shown large, with the address to write it into; a wrong address is said in words', async ({ fusion, cloud }) => {
  await openSettings(fusion)
  const address = settings(fusion).getByLabel('Address of the cloud')
  await address.fill('http://example.org')
  await settings(fusion).getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(settings(fusion).getByRole('alert')).toContainText('This is not the address of a cloud.')
  await address.fill(cloud.address)
  await settings(fusion).getByRole('button', { name: 'Sign in with a code' }).click()
  await expect(settings(fusion).locator('output')).toHaveText(/^[A-Z0-9]{4}-[A-Z0-9]{4}$/)
  await settings(fusion).getByRole('button', { name: 'Cancel' }).click()
  await expect(address).toHaveValue(cloud.address)
})
