import { engineContract, type EngineContract } from '@fusion/shared/contract/engine.ts'
import type { Client, Contract, Options } from '@fusion/shared/rpc/contract.ts'
import { createLink, type Link } from '@fusion/shared/rpc/link.ts'
import { Failure, isCancelled } from '@fusion/shared/rpc/failure.ts'
import { dialBrowser, dialElectron, type Dial } from './dial.ts'
import { exchangeToken, tokenIn } from './session.ts'
import { setView } from './view.ts'

/** The calls of a contract over a link that may be between two ports: a call waits for the next one. Streams go by `link.subscribe`. */
export type Calls<C extends Contract> = {
  [G in keyof C]: { [M in keyof C[G] as C[G][M]['kind'] extends 'call' ? M : never]: Client<C>[G][M] }
}

export function createCalls<C extends Contract>(contract: C, link: Pick<Link<C>, 'client'>): Calls<C> {
  const calls: Record<string, Record<string, unknown>> = {}
  for (const [group, procedures] of Object.entries(contract)) {
    const methods: Record<string, unknown> = (calls[group] = {})
    for (const [name, { kind }] of Object.entries(procedures)) {
      if (kind !== 'call') continue
      methods[name] = async (input: unknown, options?: Options) => {
        const client = (await link.client(options)) as Record<string, Record<string, (input: unknown, options?: Options) => unknown>>
        return client[group]![name]!(input, options)
      }
    }
  }
  return calls as Calls<C>
}

function dialHere(): Dial {
  if (location.protocol === 'app:') return dialElectron(window)
  const dial = dialBrowser(location)
  let exchange: Promise<boolean> | undefined
  // The printed address, pasted into this very window, only changes the hash: nothing is loaded anew.
  window.addEventListener('hashchange', () => {
    if (tokenIn(location.hash)) exchange = exchangeToken()
  })
  return async () => {
    exchange ??= exchangeToken()
    const allowed = await exchange.catch(() => {
      exchange = undefined
      throw new Error('The engine did not answer')
    })
    if (!allowed) setView({ locked: true })
    try {
      const port = await dial()
      setView({ locked: false })
      return port
    } catch (error) {
      // A socket does not say why it was refused; a plain request to the same address does.
      const answer = await fetch('/rpc').catch(() => null)
      if (answer?.status === 401) setView({ locked: true })
      throw error
    }
  }
}

export const link: Link<EngineContract> = createLink(engineContract, dialHere())

/** The engine's calls. What they change comes back by subscription; what they refuse is thrown. */
export const fusion: Calls<EngineContract> = createCalls(engineContract, link)

/** For a call whose result nobody waits for: a refusal is said in the page's line for failures. */
export function ask(call: Promise<unknown>): void {
  call.catch((error: unknown) => {
    if (isCancelled(error)) return
    setView({ failure: Failure.toBody(error) })
  })
}
