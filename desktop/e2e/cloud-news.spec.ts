// What the cloud tells while and beside an answer, on the page: a whole cloud before mock model servers that are slow, asleep or broken at will.
import { type MockVllm, type MockVllmOptions, startMockVllm } from '../../cloud/testing/mock-vllm.ts'
import { startWholeCloud, type WholeCloud } from '../engine/testing/whole-cloud.ts'
import { choose, signIn } from './account-steps.ts'
import { parts } from './chat-steps.ts'
import { expect, test as base } from './fixtures.ts'

interface Fixtures {
  mockOptions: MockVllmOptions
  /** How the cloud is told of the server. */
  address: object
  mock: MockVllm
  cloud: WholeCloud
}

const test = base.extend<Fixtures>({
  mockOptions: [{}, { option: true }],
  address: [{}, { option: true }],
  mock: async ({ mockOptions }, use) => {
    const mock = await startMockVllm({ model: 'large', ...mockOptions })
    await use(mock)
    await mock.close()
  },
  cloud: async ({ home, mock, address }, use) => {
    const cloud = await startWholeCloud(home, {
      MODEL_SERVERS: JSON.stringify([{ url: mock.url, ...address }]),
      // However long the page takes on a busy machine.
      FUSION_QUEUE_SECONDS: '300',
    })
    await use(cloud)
    await cloud.end()
  },
})
test.setTimeout(120_000)

test.describe('a server with one seat', () => {
  test.use({
    address: { slots: 1 },
    mockOptions: {
      shape: { stepMs: 40 },
      fault: ({ body }) => (JSON.stringify(body).includes('The third') ? undefined : { kind: 'endless' }),
    },
  })

  test('an answer that waits for its turn says how many are before it, and fewer as there are', async ({ fusion, cloud }) => {
    await signIn(fusion, cloud)
    const { message, send, stop, answers, chats } = parts(fusion)
    const askIn = async (question: string) => {
      await chats.getByRole('button', { name: 'New chat' }).click()
      await choose(fusion, 'large')
      await message.fill(question)
      await send.click()
    }
    const open = (question: string) => chats.getByRole('button', { name: new RegExp(`^${question}`) }).click()
    await askIn('The first')
    await expect(answers.last().locator('.growing')).toContainText(/\w+ \w+/)
    await askIn('The second')
    await expect(answers.last()).toContainText('Waiting for its turn: it is next')
    await askIn('The third')
    await expect(answers.last()).toContainText('Waiting for its turn: 1 before it')
    await open('The first')
    await stop.click()
    await open('The third')
    await expect(answers.last()).toContainText('Waiting for its turn: it is next')
    await open('The second')
    await expect(answers.last().locator('.growing')).toContainText(/\w+ \w+/)
    await stop.click()
    await open('The third')
    await expect(answers.last()).toContainText(/Cloud\s*large/)
  })
})

test.describe('a server that sleeps, and then breaks', () => {
  let asked = 0
  let hold = () => {}
  test.use({
    address: { sleepAfterSeconds: 3600 },
    mockOptions: {
      wakeMs: 1500,
      shape: { stepMs: 2 },
      fault({ path }) {
        // With completions it is warmed up before, and the answer goes on after.
        if (asked === 0 && !path.endsWith('/chat/completions')) return undefined
        if (++asked === 1) return { kind: 'drop', at: 12 }
        hold()
        return undefined
      },
    },
  })

  test('the cloud wakes its model, and an answer whose server failed goes on: both are said, and no word is lost', async ({
    fusion,
    cloud,
    mock,
  }) => {
    let go = () => {}
    hold = () => (go = mock.pause())
    await fetch(`${mock.url}/sleep`, { method: 'POST' })
    await signIn(fusion, cloud)
    await choose(fusion, 'large')
    const { message, send, answers } = parts(fusion)
    const news = fusion.getByRole('status', { name: 'News' })
    await message.fill('hello')
    await send.click()
    const woken = 'The cloud is waking the model. This may take a minute or two.'
    await expect(answers.last()).toContainText(woken)
    await expect(news).toContainText(woken)
    const failed = 'A server of the cloud failed. The answer goes on; nothing is lost.'
    await expect(answers.last()).toContainText(failed)
    await expect(news).toContainText(failed)
    const before = await answers.last().locator('.growing').innerText()
    expect(before).toMatch(/\w+ \w+/)
    await expect.poll(() => asked).toBe(2)
    go()
    await expect(answers.last()).toContainText(/Cloud\s*large/)
    await expect(answers.last()).not.toContainText('failed')
    expect((await answers.last().locator('.markdown').innerText()).length).toBeGreaterThan(before.length)
    await expect(answers.last().locator('.markdown')).toContainText(before.trim())
  })
})

test('little that is left of a budget stands under the newest answer, and one that is used up says what to do', async ({
  fusion,
  cloud,
}) => {
  await signIn(fusion, cloud)
  await choose(fusion, 'large')
  const { message, send, answers } = parts(fusion)
  const none = { of: null, tokensAMinute: null, tokensAMonth: null, moneyAMonth: null }
  // An answer of which nobody said how long it may be reserves the whole window of this model, which has 4,096 tokens.
  await cloud.call('PUT', '/v1/admin/budgets', { ...none, whose: 'organisation', tokensAMonth: 4400 })
  await message.fill('hello')
  await send.click()
  const words = '93 % of your organisation’s tokens for this month are used.'
  await expect(answers.last().getByRole('status')).toHaveText(words)
  await fusion.reload()
  await expect(answers.last().getByRole('status')).toHaveText(words)
  await cloud.call('PUT', '/v1/admin/budgets', { ...none, whose: 'organisation', tokensAMonth: 10 })
  await message.fill('And now?')
  await send.click()
  await expect(answers.last().getByRole('alert')).toHaveText(
    /^The tokens of this month are used up: 10 of 10\. There are new ones from \w+ 1 on\. Whoever manages this cloud can allow more\./,
  )
  await expect(fusion.getByText(words)).toHaveCount(0)
})
