import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connect } from './connect.ts'
import type { Client } from './contract.ts'
import { exampleContract, type ExampleContract, SECRET } from './testing/example.ts'
import { realPorts, type Served } from './testing/real-ports.ts'
import { MAX_RUNNING, STREAM_WINDOW, type Up } from './wire.ts'

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

const NO_CALLS = [
  'constructor',
  '__proto__',
  'toString',
  'numbers.constructor',
  'numbers.__proto__',
  'numbers.toString',
  '__proto__.toString',
  'numbers.double.call',
  'numbers',
  '.double',
  'numbers.',
  '',
]

describe.each(realPorts)('over $name', ({ open }) => {
  let served: Served
  let client: Client<ExampleContract>
  beforeEach(async () => {
    served = await open()
    client = connect(exampleContract, served.port)
  })
  afterEach(() => served.close())

  test('a call is answered', async () => {
    expect(await client.numbers.double({ n: 21 })).toBe(42)
  })

  test('a stream gives all its items in order, far beyond its window', async () => {
    expect(await all(client.numbers.count({ to: 1000 }))).toEqual(Array.from({ length: 1000 }, (_, n) => n))
  })

  test('calls and streams run side by side', async () => {
    const [first, second, double] = await Promise.all([
      all(client.numbers.count({ to: 300 })),
      all(client.numbers.count({ to: 200 })),
      client.numbers.double({ n: 2 }),
    ])
    expect([first.length, second.length, double]).toEqual([300, 200, 4])
  })

  test('a failure arrives with its code, its detail and whether trying again helps', async () => {
    await expect(client.trouble.fail({})).rejects.toMatchObject({
      name: 'Failure',
      code: 'model-missing',
      message: 'No model',
      retryable: true,
      detail: { model: 'guide', tokens: 7 },
    })
  })

  test('a stream that fails gives first what it had', async () => {
    const items = client.trouble.failLate({})
    expect((await items.next()).value).toBe(1)
    await expect(items.next()).rejects.toMatchObject({ code: 'disk-full' })
  })

  test('a failure with a very long message still arrives', async () => {
    await expect(client.trouble.longFailure({})).rejects.toMatchObject({ code: 'disk-full' })
  })

  test('a bug becomes `internal`, is told to the server and leaks no text', async () => {
    for (const broken of [client.trouble.bug({}), client.trouble.unsendable({}), all(client.trouble.bugLate({}))]) {
      const error: unknown = await broken.catch((error: unknown) => error)
      expect(error).toMatchObject({ code: 'internal', retryable: false })
      expect(JSON.stringify(error) + String(error) + (error as Error).stack).not.toContain(SECRET)
    }
    const { bugs } = await client.probe.read({})
    expect(bugs.map(bug => bug.split(' ')[0])).toEqual(['trouble.bug', 'trouble.unsendable', 'trouble.bugLate'])
  })

  test('leaving the loop ends the stream on the other side', async () => {
    for await (const n of client.numbers.forever({})) if (n === 100) break
    expect(await client.probe.ended({ count: 1 })).toEqual({ names: ['forever'] })
  })

  test('aborting the signal ends calls and streams on both sides', async () => {
    const controller = new AbortController()
    const options = { signal: controller.signal }
    const running = [
      client.trouble.wait({}, options),
      client.trouble.silent({}, options).next(),
      all(client.numbers.forever({}, options)),
      client.probe.ended({ count: 99 }, options),
    ]
    setTimeout(() => controller.abort())
    const outcomes = await Promise.allSettled(running)
    expect(outcomes.map(outcome => outcome.status === 'rejected' && (outcome.reason as { code: string }).code)).toEqual(
      Array(4).fill('cancelled'),
    )
    expect(await client.probe.ended({ count: 3 })).toEqual({ names: ['forever', 'silent', 'wait'] })
  })

  test('a caller that cancels need not wait for a handler that does not heed it', async () => {
    const controller = new AbortController()
    const next = client.trouble.deaf({}, { signal: controller.signal }).next()
    controller.abort()
    await expect(next).rejects.toMatchObject({ code: 'cancelled' })
    await client.trouble.release({})
    expect(await client.probe.ended({ count: 1 })).toEqual({ names: ['deaf'] })
  })

  test('what had arrived before the signal was aborted is not given out after it', async () => {
    const controller = new AbortController()
    const seen: number[] = []
    const reading = (async () => {
      for await (const n of client.numbers.count({ to: 50 }, { signal: controller.signal })) {
        seen.push(n)
        // The round trip lets the rest of the items arrive.
        await client.numbers.double({ n })
        controller.abort()
      }
    })()
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' })
    expect(seen).toEqual([0])
  })

  test('a signal that was aborted before starts nothing', async () => {
    const options = { signal: AbortSignal.abort() }
    await expect(client.trouble.wait({}, options)).rejects.toMatchObject({ code: 'cancelled' })
    await expect(client.numbers.forever({}, options).next()).rejects.toMatchObject({ code: 'cancelled' })
    expect(await client.probe.read({})).toMatchObject({ made: 0 })
  })

  test('a reader that stops holds its producer at the window', async () => {
    const items = client.numbers.forever({})
    await items.next()
    for (let trip = 0; trip < 5; trip++) await client.numbers.double({ n: trip })
    expect(await client.probe.read({})).toMatchObject({ made: STREAM_WINDOW })
    for (let taken = 0; taken < STREAM_WINDOW / 2; taken++) await items.next()
    for (let trip = 0; trip < 5; trip++) await client.numbers.double({ n: trip })
    expect(await client.probe.read({})).toMatchObject({ made: STREAM_WINDOW * 1.5 })
    await items.return()
    expect(await client.probe.ended({ count: 1 })).toEqual({ names: ['forever'] })
  })

  test('a stream can be cancelled while it waits for its reader', async () => {
    const controller = new AbortController()
    const items = client.numbers.forever({}, { signal: controller.signal })
    await items.next()
    for (let trip = 0; trip < 5; trip++) await client.numbers.double({ n: trip })
    controller.abort()
    await expect(items.next()).rejects.toMatchObject({ code: 'cancelled' })
    expect(await client.probe.ended({ count: 1 })).toEqual({ names: ['forever'] })
  })

  test('one call too many is refused as overloaded, and a place is free again when a call ends', async () => {
    const oneEnded = client.probe.ended({ count: 1 })
    const controllers = Array.from({ length: MAX_RUNNING - 1 }, () => new AbortController())
    const waiting = controllers.map(({ signal }) => client.trouble.wait({}, { signal }).catch((error: { code: string }) => error.code))
    await expect(client.numbers.double({ n: 1 })).rejects.toMatchObject({ code: 'overloaded', retryable: true })
    controllers[0]!.abort()
    await oneEnded
    expect(await client.numbers.double({ n: 1 })).toBe(2)
    for (const controller of controllers) controller.abort()
    expect(await Promise.all(waiting)).toEqual(Array(MAX_RUNNING - 1).fill('cancelled'))
  })

  test('a lost port ends all that is open as disconnected, and all that comes after', async () => {
    const items = client.numbers.forever({})
    await items.next()
    const waiting = [client.trouble.wait({}), all(items), client.trouble.silent({}).next()]
    const outcomes = Promise.allSettled(waiting)
    served.breakOff()
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: 'disconnected', retryable: true } })
    await expect(client.numbers.double({ n: 1 })).rejects.toMatchObject({ code: 'disconnected' })
  })

  test('closing a port twice, and posting to a closed one, does nothing', async () => {
    let closings = 0
    served.port.onClose(() => closings++)
    served.port.close()
    served.port.close()
    served.port.post({ type: 'cancel', id: 1 })
    served.port.onClose(() => closings++)
    expect(closings).toBe(2)
  })

  test('names that are on every object, or on none, are no calls', async () => {
    const answers: unknown[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    served.port.onMessage(message => {
      if (answers.push(message) === NO_CALLS.length) resolve()
    })
    NO_CALLS.forEach((path, index) => served.port.post({ type: 'call', id: index + 1, path, input: {} }))
    await promise
    expect(answers).toMatchObject(NO_CALLS.map((_, index) => ({ type: 'error', id: index + 1, error: { code: 'not-found' } })))
  })

  test.each([-1, 0, 1.5, STREAM_WINDOW + 1, 1e300, '64', null, {}])('credit of %j ends its stream and gains nothing', async items => {
    const { promise, resolve } = Promise.withResolvers<unknown>()
    let made = 0
    served.port.onMessage(message => {
      if ((message as { type: string }).type === 'item') made++
      else resolve(message)
    })
    served.port.post({ type: 'call', id: 1, path: 'numbers.forever', input: {} })
    served.port.post({ type: 'more', id: 1, items } as Up)
    expect(await promise).toMatchObject({ type: 'error', id: 1, error: { code: 'bad-input' } })
    expect(made).toBeLessThanOrEqual(STREAM_WINDOW)
  })

  test('a storm of calls that are cancelled at once leaves nothing running', async () => {
    for (let round = 0; round < 50; round++) {
      const controller = new AbortController()
      const options = { signal: controller.signal }
      const calls = Array.from({ length: 100 }, (_, n) =>
        n % 2 ? client.trouble.wait({}, options) : client.numbers.forever({}, options).next(),
      )
      controller.abort()
      await Promise.allSettled(calls)
      // The round trip: by then all of them have begun, and heard that they are not wanted.
      await client.numbers.double({ n: round })
    }
    expect((await client.probe.ended({ count: 5000 })).names).toHaveLength(5000)
  })

  test('an input of the wrong form is refused', async () => {
    await expect(client.numbers.double({ n: 'two' as unknown as number })).rejects.toMatchObject({ code: 'bad-input' })
  })

  test('a number that is used twice at once ends its call, with one answer', async () => {
    const answers: { id: number }[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    served.port.onMessage(message => {
      const answer = message as { id: number }
      answers.push(answer)
      if (answer.id === 2) served.port.post({ type: 'call', id: 3, path: 'numbers.double', input: { n: 1 } })
      if (answer.id === 3) resolve()
    })
    served.port.post({ type: 'call', id: 1, path: 'trouble.wait', input: {} })
    served.port.post({ type: 'call', id: 1, path: 'trouble.wait', input: {} })
    served.port.post({ type: 'call', id: 2, path: 'probe.ended', input: { count: 1 } })
    await promise
    expect(answers.toSorted((one, other) => one.id - other.id)).toMatchObject([
      { type: 'error', id: 1, error: { code: 'bad-input' } },
      { type: 'end', id: 2, value: { names: ['wait'] } },
      { type: 'end', id: 3, value: 2 },
    ])
  })
})
