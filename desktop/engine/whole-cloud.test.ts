import { join } from 'node:path'
import { textOf } from '@fusion/shared/chat/message.ts'
import type { AccountState } from '@fusion/shared/contract/account.ts'
import type { EngineContract } from '@fusion/shared/contract/engine.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { Client } from '@fusion/shared/rpc/contract.ts'
import { expect, onTestFinished, test } from 'vitest'
import { addEndlessModel } from '../../models/guide/testing/endless-model.ts'
import { openSecretFile } from './account/secret-file.ts'
import { startHeadless } from './testing/headless.ts'
import { testFolder, watchChat } from './testing/test-engine.ts'
import { startWholeCloud } from './testing/whole-cloud.ts'

async function accountWith(fusion: Client<EngineContract>, found: (state: AccountState) => boolean): Promise<AccountState> {
  for await (const state of fusion.account.watch({})) if (found(state)) return state
  throw new Error('the engine ended')
}

/** Enough for a kill in its middle. */
const TOKENS = 400

test(
  'signed in by the browser, an answer of the cloud is whole after kill -9 of the app in its middle: no token twice, none lost',
  { timeout: 180_000 },
  async () => {
    const cloudHome = await testFolder()
    addEndlessModel(join(cloudHome, 'cloud/model-server'))
    const cloud = await startWholeCloud(cloudHome)
    onTestFinished(cloud.end)

    const home = await testFolder()
    const first = await startHeadless(home)
    onTestFinished(() => first.end('SIGKILL'))
    const { fusion } = await first.connect()
    for await (const event of fusion.account.signIn({ address: cloud.address, by: 'browser' })) await cloud.signIn(event.address)
    const { signedIn, models } = await accountWith(fusion, state => state.models.some(({ name }) => name === 'endless'))
    expect(signedIn).toMatchObject({ address: cloud.address, email: 'ada@example.org', name: 'Ada', organisation: 'Example' })

    const conversationId = newId()
    const { id: modelId } = models.find(({ name }) => name === 'endless')!
    await fusion.chats.setSettings({ conversationId, settings: { modelId, sampling: { maxTokens: TOKENS, seed: 1 } } })
    const chat = await watchChat(fusion, conversationId)
    await fusion.turns.send({ conversationId, questionId: newId(), text: 'Tell me a very long story', attachments: [] })
    await chat.until('text', () => textOf(chat.path().at(-1) ?? { parts: [] }).length > 200)
    const seen = textOf(chat.path().at(-1)!)
    expect(chat.path().at(-1)!.status).toBe('growing')
    await first.end('SIGKILL')

    const second = await startHeadless(home)
    onTestFinished(() => second.end())
    const { fusion: again } = await second.connect()
    const resumed = await watchChat(again, conversationId)
    await resumed.until('the end', () => resumed.path().at(-1)?.status !== 'growing')
    const answer = resumed.path().at(-1)!
    expect(answer).toMatchObject({
      status: 'complete',
      finishReason: 'length',
      segments: [{ from: 0, place: 'cloud', reason: 'chosen', modelId, completionTokens: TOKENS }],
    })
    expect(textOf(answer).startsWith(seen)).toBe(true)
    expect(textOf(answer)).toBe(await toldByCloud(cloud.address, home, answer.id))
    await again.account.signOut({})
    await accountWith(again, state => state.signedIn === null)
    expect(await openSecretFile(home).read()).toBeUndefined()
  },
)

/** The text of all events that the cloud keeps of a generation, asked for anew. */
async function toldByCloud(address: string, home: string, generation: string): Promise<string> {
  const refresh_token = await openSecretFile(home).read()
  const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'fusion-desktop', refresh_token: refresh_token! })
  const tokens = (await (await fetch(`${address}/oauth/token`, { method: 'POST', body })).json()) as { access_token: string }
  const headers = { authorization: `Bearer ${tokens.access_token}` }
  const events = await (await fetch(`${address}/v1/generations/${generation}/events`, { headers })).text()
  return events
    .split('\n')
    .filter(line => line.startsWith('data: '))
    .map(line => JSON.parse(line.slice(6)) as { type: string; text?: string })
    .map(({ type, text }) => (type === 'text-delta' ? text : ''))
    .join('')
}
