// A small contract and a real server for it, the same over every port: what the tests of the RPC talk to.
import { Type } from 'typebox'
import { call, type Handlers, stream } from '../contract.ts'
import { Failure } from '../failure.ts'
import type { ServeOptions } from '../serve.ts'

const Nothing = Type.Object({})

export const exampleContract = {
  numbers: {
    double: call(Type.Object({ n: Type.Number() }), Type.Number()),
    count: stream(Type.Object({ to: Type.Integer() }), Type.Integer()),
    /** Counts without an end and as fast as it is asked. */
    forever: stream(Nothing, Type.Integer()),
  },
  trouble: {
    fail: call(Nothing, Nothing),
    failLate: stream(Nothing, Type.Integer()),
    bug: call(Nothing, Nothing),
    bugLate: stream(Nothing, Type.Integer()),
    unsendable: call(Nothing, Type.Unknown()),
    longFailure: call(Nothing, Nothing),
    /** Ends when it is cancelled. */
    wait: call(Nothing, Nothing),
    /** A stream that says nothing until it is cancelled. */
    silent: stream(Nothing, Type.Integer()),
    /** Does not heed its signal: ends when `release` is called. */
    deaf: stream(Nothing, Type.Integer()),
    release: call(Nothing, Nothing),
  },
  probe: {
    /** How many items `forever` has made, and which bugs the server heard of. */
    read: call(Nothing, Type.Object({ made: Type.Integer(), bugs: Type.Array(Type.String()) })),
    /** Resolves when this many of `forever`, `wait`, `silent` and `deaf` have ended. */
    ended: call(Type.Object({ count: Type.Integer() }), Type.Object({ names: Type.Array(Type.String()) })),
  },
}
export type ExampleContract = typeof exampleContract

/** What stands in the messages of bugs and must never cross the wire. */
export const SECRET = 'the diary lies under /home/ada'

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    if (signal.aborted) reject(signal.reason as Error)
  })

/** Handlers with a memory of their own, and the options that note bugs in it. */
export function createExample(): { handlers: Handlers<ExampleContract>; options: ServeOptions } {
  const names: string[] = []
  const bugs: string[] = []
  const watchers = new Set<() => void>()
  let made = 0
  let release = Promise.withResolvers<void>()
  const ended = (name: string) => {
    names.push(name)
    for (const watcher of watchers) watcher()
  }

  const handlers: Handlers<ExampleContract> = {
    numbers: {
      double: async ({ n }) => n * 2,
      async *count({ to }) {
        for (let n = 0; n < to; n++) yield n
      },
      async *forever() {
        try {
          for (;;) yield made++
        } finally {
          ended('forever')
        }
      },
    },
    trouble: {
      fail: async () => {
        throw new Failure('model-missing', 'No model', { retryable: true, detail: { model: 'guide', tokens: 7 } })
      },
      async *failLate() {
        yield 1
        throw new Failure('disk-full', 'Full')
      },
      bug: async () => {
        throw new Error(SECRET)
      },
      async *bugLate() {
        yield 1
        throw new TypeError(SECRET)
      },
      unsendable: async () => ({ big: 1n, run: () => SECRET }),
      longFailure: async () => {
        throw new Failure('disk-full', 'x'.repeat(10_000))
      },
      wait: async (_, signal) => {
        try {
          return await untilAborted(signal)
        } finally {
          ended('wait')
        }
      },
      async *silent(_, signal) {
        try {
          yield await untilAborted(signal)
        } finally {
          ended('silent')
        }
      },
      async *deaf() {
        try {
          await release.promise
          yield 1
        } finally {
          ended('deaf')
        }
      },
      release: async () => {
        release.resolve()
        release = Promise.withResolvers()
        return {}
      },
    },
    probe: {
      read: async () => ({ made, bugs }),
      ended: async ({ count }) => {
        while (names.length < count) {
          const { promise, resolve } = Promise.withResolvers<void>()
          watchers.add(resolve)
          await promise
          watchers.delete(resolve)
        }
        return { names: names.toSorted() }
      },
    },
  }
  return { handlers, options: { onBug: (path, error) => bugs.push(`${path} ${error instanceof Error ? error.name : typeof error}`) } }
}
