// Servers on a clock that only counts: time goes on to whatever happens next.
import { createMockEngine, type EngineShape, type MockEngine, type Sequence, type Step } from '../../../cloud/testing/mock-engine.ts'
import type { Policy } from './policy.ts'
import type { Asked } from './workload.ts'

export interface Answered {
  asked: Asked
  server: number
  /** In ms. */
  firstTokenAt: number
  doneAt: number
  tokens: number
}

interface Server {
  engine: MockEngine
  /** What it computes, and when that is done; Infinity: nothing. */
  step: Step | undefined
  doneAt: number
  serving: Map<Sequence, Answered>
}

export function createCluster(shape: EngineShape, count: number, makePolicy: (engines: readonly MockEngine[]) => Policy) {
  const servers: Server[] = Array.from({ length: count }, () => ({
    engine: createMockEngine(shape),
    step: undefined,
    doneAt: Infinity,
    serving: new Map(),
  }))
  const policy = makePolicy(servers.map(({ engine }) => engine))
  let now = 0
  let looksAt = 0

  function start(server: Server): void {
    server.step = server.engine.step()
    server.doneAt = server.step ? now + server.step.ms : Infinity
  }

  function take(asked: Asked): void {
    const index = policy.choose(asked, now)
    const server = servers[index]!
    const sequence = server.engine.add({ promptTokens: asked.tokens, blocks: asked.blocks })
    server.serving.set(sequence, { asked, server: index, firstTokenAt: 0, doneAt: 0, tokens: 0 })
    if (!server.step) start(server)
  }

  function finish(server: Server, answered: Answered[]): void {
    for (const sequence of server.step!.decoded) {
      const one = server.serving.get(sequence)!
      one.tokens += 1
      if (one.tokens === 1) {
        one.firstTokenAt = now
        policy.begun?.(one.asked, one.server)
      }
      if (one.tokens < one.asked.answerTokens) continue
      one.doneAt = now
      server.engine.end(sequence)
      server.serving.delete(sequence)
      policy.done?.(one.asked, one.server)
      answered.push(one)
    }
    start(server)
  }

  return {
    now: () => now,
    engines: servers.map(({ engine }) => engine),
    /** Until all are answered. In the order of their times, none of them before now. */
    run(asked: readonly Asked[]): Answered[] {
      const answered: Answered[] = []
      let next = 0
      while (answered.length < asked.length) {
        let first = servers[0]!
        for (const server of servers) if (server.doneAt < first.doneAt) first = server
        const at = Math.min(asked[next]?.at ?? Infinity, first.doneAt)
        if (policy.lookMs !== undefined && looksAt <= at) {
          now = Math.max(now, looksAt)
          policy.look!(now)
          // Where nothing happens for long, one look is as good as many.
          looksAt += policy.lookMs * Math.max(1, Math.floor((at - looksAt) / policy.lookMs))
          continue
        }
        now = at
        if (first.doneAt === at) finish(first, answered)
        else take(asked[next++]!)
      }
      return answered
    },
  }
}
