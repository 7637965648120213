import { setTimeout as wait } from 'node:timers/promises'
import type { App } from '../http/ground.ts'

export interface Drain {
  /** Between "not ready" and the last new connection: a balancer asks /readyz every few seconds. */
  noticeMs: number
  /** What is under way has so long to come to its end; then its connection is closed. */
  patienceMs: number
  /** Tells those who read a stream that another server has the rest of it. */
  tellStreams: () => Promise<void>
  /** Ends both waits. */
  hurry?: AbortSignal
}

/** Ends a server so that nobody is cut off who need not be: it says that it is not ready, then takes nothing new, then waits for what it has. */
export async function drain(app: App, { noticeMs, patienceMs, tellStreams, hurry }: Drain): Promise<void> {
  app.readiness.drain()
  const waitFor = (ms: number) => wait(ms, undefined, hurry && { signal: hurry }).catch(() => {})
  await waitFor(noticeMs)
  const told = tellStreams()
  const closed = app.close()
  await Promise.race([Promise.all([told, closed]), waitFor(patienceMs)])
  app.server.closeAllConnections()
  await closed
}
