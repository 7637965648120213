import type { LoadOrder } from '../../../cloud/server/testing/stream-load.ts'
import { busyMsOfFamily, busyMsOfProcess } from '../computing.ts'
import { quantile } from '../statistics.ts'
import type { GatewaySetting } from './setting.ts'

/** One side of one round. */
export interface Asked {
  /** To the first text, without the time that the model server took; ms. */
  p50: number
  p99: number
  perSecond: number
  /** CPU time of the gateway for a request, and of the processes that it started (the cloud's Postgres, NGINX' worker); ms. */
  cpuMs: number
  childrenMs: number
}

/** Asks one side. `pid`: of the gateway, if there is one between. */
export async function askSide(
  { ask }: Pick<GatewaySetting, 'ask'>,
  { port, pid, key }: { port: number; pid?: number; key?: string },
  order: Omit<LoadOrder, 'origin' | 'key'>,
): Promise<Asked> {
  const busy = (): [number, number] => (pid === undefined ? [0, 0] : [busyMsOfProcess(pid), busyMsOfFamily(pid)])
  const [ownBefore, allBefore] = busy()
  const { firstMs, perSecond, requests } = await ask(port, { ...order, ...(key !== undefined && { key }) })
  const [own, all] = busy()
  return {
    p50: quantile(firstMs, 0.5),
    p99: quantile(firstMs, 0.99),
    perSecond,
    cpuMs: (own - ownBefore) / requests,
    childrenMs: (all - allBefore - (own - ownBefore)) / requests,
  }
}

/** Who is asked in turn: the model server itself, and all gateways that there are. */
export const sidesOf = ({ models, bare, cloud, nginx }: GatewaySetting) => ({
  direct: { port: models.port },
  bare,
  ours: cloud,
  ...(nginx && { nginx }),
})
