import { expect, test } from 'vitest'
import { connect } from '@fusion/shared/rpc/connect.ts'
import { call } from '@fusion/shared/rpc/contract.ts'
import { createLink } from '@fusion/shared/rpc/link.ts'
import { messagePort } from '@fusion/shared/rpc/message-port.ts'
import { serve } from '@fusion/shared/rpc/serve.ts'
import { Type } from 'typebox'
import { dialElectron } from './dial.ts'

const contract = { hello: { say: call(Type.Object({}), Type.String()) } }

/** A window, and what the preload does to it. */
function createWindow() {
  const target = new EventTarget()
  const post = (ports: MessagePort[], from: { data?: string; source?: EventTarget } = {}) =>
    target.dispatchEvent(Object.assign(new Event('message'), { data: 'fusion-port', source: target, ports, ...from }))
  /** Hands over a port to an engine of this name. */
  function startEngine(name: string, from?: Parameters<typeof post>[1]) {
    const { port1, port2 } = new MessageChannel()
    serve(contract, { hello: { say: async () => name } }, messagePort(port1))
    post([port2], from)
  }
  return { dial: dialElectron(target as Window), post, startEngine }
}

const say = async (dial: ReturnType<typeof dialElectron>) => connect(contract, await dial()).hello.say({})

test('a port that came before anybody dialled is used', async () => {
  const { dial, startEngine } = createWindow()
  startEngine('one')
  expect(await say(dial)).toBe('one')
})

test('of two ports only the newest leads to an engine', async () => {
  const { dial, startEngine } = createWindow()
  startEngine('crashed')
  startEngine('two')
  expect(await say(dial)).toBe('two')
})

test('a port of an engine that has ended meanwhile is not used', async () => {
  const { dial, post, startEngine } = createWindow()
  startEngine('crashed')
  post([])
  const answer = say(dial)
  startEngine('two')
  expect(await answer).toBe('two')
})

test('when the engine ends, the link is lost, and goes on with the next one', async () => {
  const { dial, post, startEngine } = createWindow()
  const link = createLink(contract, dial, { backOffMs: () => 0 })
  const states: string[] = []
  link.onState(state => states.push(state))
  startEngine('one')
  expect(await (await link.client()).hello.say({})).toBe('one')
  post([])
  expect(states).toEqual(['online', 'lost'])
  startEngine('two')
  expect(await (await link.client()).hello.say({})).toBe('two')
  link.close()
})

test('what does not come from the window itself, or says something else, hands over nothing', async () => {
  const { dial, startEngine } = createWindow()
  startEngine('frame', { source: new EventTarget() })
  startEngine('stranger', { data: 'hello' })
  startEngine('ours')
  expect(await say(dial)).toBe('ours')
})
