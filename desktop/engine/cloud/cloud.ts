import type { CloudModelEntry } from '@fusion/shared/contract/account.ts'
import { cloudModelId } from '@fusion/shared/chat/cloud-model.ts'
import { modelRoutes } from '@fusion/shared/contract/cloud/models.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { Compile } from 'typebox/compile'
import type { Account } from '../account/account.ts'
import type { Door, Errand } from '../egress/door.ts'
import type { Log } from '../log.ts'
import { reasonOf } from '../log-error.ts'

/** To a route of the cloud, for one of the purposes of the door. */
export type CloudErrand = { path: string; init?: Omit<RequestInit, 'redirect' | 'headers'> & { headers?: Record<string, string> } } & (
  | { purpose: 'account' }
  | { purpose: 'cloud-answer'; conversationId: string; agreed: boolean }
)

export interface Cloud {
  /** Host of the cloud somebody is signed in to. Throws `signed-out`. */
  host(): string
  /**
   * Asks as the person who is signed in. Rejects with what the door refuses with, `signed-out`, and `cloud-unreachable` (retryable) where no
   * answer came; any status but 401 is for the caller to judge.
   */
  request(errand: CloudErrand): Promise<Response>
  models(): CloudModelEntry[]
  /** Reads the list of models anew; it says nothing where it can't. */
  readModels(): Promise<void>
  watch(listener: () => void): () => void
}

const modelList = Compile(modelRoutes.models.reply)
/** A list that is asked for while a person waits for it. */
const PATIENCE_MS = 15_000

export function createCloud({ account, door, log }: { account: Account; door: Door; log: Log }): Cloud {
  const listeners = new Set<() => void>()
  let models: CloudModelEntry[] = []

  function setModels(next: CloudModelEntry[]): void {
    if (JSON.stringify(next) === JSON.stringify(models)) return
    models = next
    for (const listener of listeners) listener()
  }

  async function once({ path, init, ...why }: CloudErrand, refused?: string): Promise<{ reply: Response; token: string }> {
    const { address, token } = await account.access(refused)
    const headers = { ...init?.headers, authorization: `Bearer ${token}` }
    try {
      const errand: Errand = { ...why, url: address + path, init: { ...init, headers } }
      return { reply: await door.request(errand), token }
    } catch (error) {
      if (init?.signal?.aborted) throw failure('cancelled')
      if (error instanceof Failure) throw error
      throw failure('cloud-unreachable', { host: new URL(address).host }, { cause: error, retryable: true })
    }
  }

  async function request(errand: CloudErrand): Promise<Response> {
    const first = await once(errand)
    if (first.reply.status !== 401) return first.reply
    await first.reply.body?.cancel()
    const second = await once(errand, first.token)
    if (second.reply.status !== 401) return second.reply
    await second.reply.body?.cancel()
    await account.end()
    throw failure('signed-out')
  }

  async function readModels(): Promise<void> {
    await account.known
    if (!account.state().signedIn) return
    try {
      const init = { signal: AbortSignal.timeout(PATIENCE_MS) }
      const reply = await request({ purpose: 'account', path: modelRoutes.models.path, init })
      const list: unknown = await reply.json()
      if (!modelList.Check(list)) throw failure('cloud-odd')
      setModels(list.data.map(({ id, max_model_len: windowTokens, fusion }) => ({ ...fusion, id: cloudModelId(id), windowTokens })))
    } catch (error) {
      log.info({ error: reasonOf(error) }, 'models of the cloud not read')
    }
  }

  let person = account.state().signedIn?.email
  account.watch(() => {
    const { signedIn } = account.state()
    if (signedIn?.email === person) return
    person = signedIn?.email
    // Those of somebody else, or of another cloud, are never shown.
    setModels([])
    if (signedIn) void readModels()
  })

  return {
    host() {
      const { signedIn } = account.state()
      if (!signedIn) throw failure('signed-out')
      return new URL(signedIn.address).host
    },
    request,
    models: () => models,
    readModels,
    watch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
