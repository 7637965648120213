// Servers that come and go: those behind a name of DNS, and the endpoints of a Kubernetes service.
import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { Agent, request } from 'undici'
import type { Config } from '../../config.ts'
import type { PoolAddress } from './pool-server.ts'

/** What the operator wrote of a server, or of those behind a name. */
export type ServerEntry = PoolAddress & {
  /** `dns`: each address of the name in `url` is a server. `kubernetes`: each ready endpoint of the service that `url` names. */
  discover?: 'dns' | 'kubernetes'
}

export interface DiscoveryOptions {
  onChange: (servers: readonly ServerEntry[]) => void
  /** A name can't be looked up; what was known of it stands. */
  onTrouble: (what: string) => void
  resolve?: (host: string) => Promise<readonly string[]>
  kubernetes?: KubernetesApi
  everyMs?: number
}

/** Where the API of Kubernetes is, and what lets us in: in a pod both are there. */
export interface KubernetesApi {
  url: string
  tokenFile: string
  caFile: string
}

const LOOK_MS = 5_000
const SHORT_MS = 5_000
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Of a pod: undefined outside of Kubernetes. */
export function kubernetesOf({
  kubernetesHost,
  kubernetesPort,
}: Pick<Config, 'kubernetesHost' | 'kubernetesPort'>): KubernetesApi | undefined {
  if (kubernetesHost === null) return undefined
  const name = kubernetesHost.includes(':') ? `[${kubernetesHost}]` : kubernetesHost
  return { url: `https://${name}:${kubernetesPort}`, tokenFile: `${ACCOUNT}/token`, caFile: `${ACCOUNT}/ca.crt` }
}

/** Looks every few seconds, from now on until `close`. `found` resolves when all were looked up once. */
export function discoverServers(entries: readonly ServerEntry[], options: DiscoveryOptions) {
  const { onChange, onTrouble, resolve = addressesOf, kubernetes, everyMs = LOOK_MS } = options
  const found = new Map<ServerEntry, readonly ServerEntry[]>()
  let told = ''
  let closed = false
  let troubled = false

  async function look(): Promise<void> {
    await Promise.all(
      entries.map(async entry => {
        try {
          found.set(entry, await serversOf(entry))
        } catch {
          if (!troubled) onTrouble(new URL(entry.url).host)
          troubled = true
        }
      }),
    )
    const servers = entries.flatMap(entry => found.get(entry) ?? [])
    const now = JSON.stringify(servers)
    if (now !== told && !closed) onChange(servers)
    told = now
  }

  async function serversOf(entry: ServerEntry): Promise<readonly ServerEntry[]> {
    const { discover, ...rest } = entry
    if (!discover) return [rest]
    const url = new URL(entry.url)
    const addresses =
      discover === 'dns' ? (await resolve(url.hostname)).map(address => ({ address, port: url.port })) : await endpointsOf(url)
    troubled = false
    return addresses
      .toSorted((one, other) => (`${one.address} ${one.port}` < `${other.address} ${other.port}` ? -1 : 1))
      .map(({ address, port }) => {
        const one = new URL(url)
        one.hostname = address.includes(':') ? `[${address}]` : address
        one.port = port
        return { ...rest, url: one.href.replace(/\/$/, '') }
      })
  }

  /** `url`: `http://SERVICE.NAMESPACE:PORT`, as within the cluster. */
  async function endpointsOf(url: URL): Promise<{ address: string; port: string }[]> {
    if (!kubernetes) throw new Error('this is not a pod of Kubernetes')
    const [service = '', namespace = 'default'] = url.hostname.split('.')
    const [token, ca] = await Promise.all([readFile(kubernetes.tokenFile, 'utf8'), readFile(kubernetes.caFile, 'utf8').catch(() => '')])
    const agent = new Agent({ connect: ca === '' ? {} : { ca } })
    try {
      const path = `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices`
      const query = `labelSelector=${encodeURIComponent(`kubernetes.io/service-name=${service}`)}`
      const { statusCode, body } = await request(`${kubernetes.url}${path}?${query}`, {
        dispatcher: agent,
        headers: { authorization: `Bearer ${token.trim()}`, accept: 'application/json' },
        signal: AbortSignal.timeout(SHORT_MS),
      })
      const slices: unknown = statusCode === 200 ? await body.json() : await body.dump()
      if (!Value.Check(EndpointSlices, slices)) throw new Error('Kubernetes told no endpoint slices')
      return slices.items.flatMap(({ endpoints, ports }) => {
        const port = url.port === '' ? ports?.[0]?.port : (ports?.find(one => String(one.port) === url.port)?.port ?? Number(url.port))
        // One that ends takes nothing new; what it is at, it finishes.
        const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false && conditions?.terminating !== true)
        return ready.flatMap(({ addresses }) => addresses.slice(0, 1).map(address => ({ address, port: String(port ?? '') })))
      })
    } finally {
      await agent.close()
    }
  }

  const first = look()
  let timer: NodeJS.Timeout | undefined
  const again = () => {
    if (closed) return
    timer = setTimeout(() => void look().finally(again), everyMs)
    timer.unref()
  }
  if (entries.some(({ discover }) => discover)) void first.finally(again)

  return {
    found: first,
    close(): void {
      closed = true
      clearTimeout(timer)
    },
  }
}

const addressesOf = async (host: string): Promise<string[]> => (await lookup(host, { all: true })).map(({ address }) => address)

const Nullable = <T extends Parameters<typeof Type.Optional>[0]>(type: T) => Type.Optional(Type.Union([type, Type.Null()]))
const EndpointSlices = Type.Object({
  items: Type.Array(
    Type.Object({
      endpoints: Nullable(
        Type.Array(
          Type.Object({
            addresses: Type.Array(Type.String()),
            conditions: Type.Optional(Type.Object({ ready: Nullable(Type.Boolean()), terminating: Nullable(Type.Boolean()) })),
          }),
        ),
      ),
      ports: Nullable(Type.Array(Type.Object({ port: Nullable(Type.Integer()) }))),
    }),
  ),
})
