// The models that the cloud answers with, and the servers that have them.
import type { CloudModel } from '@fusion/shared/contract/cloud/models.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { createModelServer, type ListedModel, type ModelServer, type ServerAddress } from './model-server.ts'

export interface ServerHealth {
  /** Host and port. */
  server: string
  up: boolean
  models: string[]
  inFlight: number
}

export type Models = ReturnType<typeof createModels>

/** Servers are asked so often what they have; one that came back is used after so long at most. */
const LOOK_MS = 2_000

interface Known {
  server: ModelServer
  up: boolean
  listed: ListedModel[]
}

/** Looks at its servers from now on, until `close`. */
export function createModels({ servers }: { servers: readonly ServerAddress[] }) {
  const known: Known[] = servers.map(address => ({ server: createModelServer(address), up: false, listed: [] }))
  const stop = new AbortController()

  /** Each by itself: one that hangs keeps no other from being seen to. */
  async function look(one: Known): Promise<void> {
    try {
      one.listed = await one.server.models()
      one.up = true
    } catch {
      // What it had is still shown: it is down, not gone.
      one.up = false
    }
    if (!stop.signal.aborted) setTimeout(() => void look(one), LOOK_MS).unref()
  }
  const looked = Promise.all(known.map(look))

  const having = (model: string) => known.filter(({ listed }) => listed.some(({ id }) => id === model))

  return {
    /** Resolves when every server was asked once. */
    looked,
    list(): CloudModel[] {
      const names = [...new Set(known.flatMap(({ listed }) => listed.map(({ id }) => id)))]
      return names.toSorted().map(id => {
        const here = having(id)
        const windows = here.map(({ listed }) => listed.find(model => model.id === id)?.max_model_len ?? 0)
        return {
          id,
          object: 'model',
          created: 0,
          owned_by: 'fusion',
          // The smallest: whichever server answers, it fits.
          max_model_len: Math.max(1, Math.min(...windows)),
          fusion: { name: id, quantization: null, state: here.some(({ up }) => up) ? 'ready' : 'down' },
        }
      })
    },
    /** Whether a server has it, or had it when it last answered. */
    has: (model: string): boolean => having(model).length > 0,
    servers: (): ServerHealth[] =>
      known.map(({ server, up, listed }) => ({
        server: server.label,
        up,
        models: listed.map(({ id }) => id),
        inFlight: server.inFlight(),
      })),
    /**
     * The server to ask for a model: of those that answer, the one with the fewest requests of ours under way. `tried`: those that broke off
     * for this very request, asked again only where there is no other. Throws `cloud-model-unknown` where none has it, `model-servers-down` where
     * none of those answers. `like`: only those with the same weights as this one, for an answer that goes on.
     */
    choose(model: string, tried: ReadonlySet<ModelServer> = new Set(), like?: ModelServer): ModelServer {
      const here = having(model).filter(({ server }) => !like || server.weights === like.weights)
      if (here.length === 0 && known.some(({ up }) => up)) throw failure('cloud-model-unknown', { model })
      const untried = here.filter(({ up, server }) => up && !tried.has(server))
      const [best] = (untried.length > 0 ? untried : here.filter(({ server }) => tried.has(server)))
        .map(({ server }) => server)
        .toSorted((one, other) => one.inFlight() - other.inFlight())
      if (!best) throw failure('model-servers-down', {}, { retryable: true })
      return best
    },
    /** What was seen of a server while it was used: one that broke off is asked by nobody else until it is seen to answer again. */
    seen(server: ModelServer, up: boolean): void {
      const one = known.find(candidate => candidate.server === server)
      if (one) one.up = up
    },
    /** For /readyz: rejects where no server answers. */
    async check(): Promise<void> {
      await looked
      if (!known.some(({ up }) => up)) throw new Error('no model server answers')
    },
    async close(): Promise<void> {
      stop.abort()
      await Promise.all(known.map(({ server }) => server.close()))
    },
  }
}
