import { expect, test } from 'vitest'
import { createQueue, type Place } from './queue.ts'

const MODEL = 'model'
const nobody = new AbortController().signal

/** A queue and who was let in, in their order; `enter` comes back when all that can be let in has been. */
function line({ places = 1, maxWaiting = 100 }: { places?: number; maxWaiting?: number } = {}) {
  const free = { places }
  const queue = createQueue({ places: () => free.places, maxWaiting })
  const entered: string[] = []
  const inside: Place[] = []
  async function enter(name: string, client = name, { modelId = MODEL, signal = nobody } = {}): Promise<void> {
    void takePlace(name, queue.enter(modelId, client, signal))
    await settled()
  }
  async function takePlace(name: string, entering: Promise<Place>): Promise<void> {
    inside.push(await entering)
    entered.push(name)
  }
  async function leave(): Promise<void> {
    inside.shift()!.leave()
    await settled()
  }
  return { queue, free, entered, enter, leave }
}

/** Everything that was promised by now has been told. */
const settled = () => new Promise(resolve => setImmediate(resolve))

test('as many are computed as there are places, and each that leaves lets the next one in', async () => {
  const { queue, entered, enter, leave } = line({ places: 2 })
  for (const name of ['a', 'b', 'c', 'd']) await enter(name)
  expect(entered).toEqual(['a', 'b'])
  expect(queue.load(MODEL)).toEqual({ running: 2, waiting: 2 })
  await leave()
  expect(entered).toEqual(['a', 'b', 'c'])
  for (let left = 0; left < 3; left++) await leave()
  expect(entered).toEqual(['a', 'b', 'c', 'd'])
  expect(queue.load(MODEL)).toEqual({ running: 0, waiting: 0 })
})

test('clients take turns, each in the order of its own requests', async () => {
  const { entered, enter, leave } = line()
  for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2']) await enter(name, name.charAt(0))
  for (let left = 0; left < 7; left++) await leave()
  expect(entered).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4'])
})

test('one that comes while others are waiting goes to the end of the line', async () => {
  const { free, queue, entered, enter } = line()
  await enter('first')
  await enter('second')
  free.places = 2
  await enter('third')
  queue.pump(MODEL)
  expect(entered).toEqual(['first', 'second'])
})

test('a line goes on when its model turns out to have more places', async () => {
  const { free, queue, entered, enter } = line()
  for (const name of ['a', 'b', 'c', 'd']) await enter(name)
  free.places = 3
  queue.pump(MODEL)
  await settled()
  expect(entered).toEqual(['a', 'b', 'c'])
})

test('one model does not wait for another', async () => {
  const { entered, enter } = line()
  await enter('a', 'client', { modelId: 'one' })
  await enter('b', 'client', { modelId: 'one' })
  await enter('c', 'client', { modelId: 'two' })
  expect(entered).toEqual(['a', 'c'])
})

test('when too many wait, of all models together, the next one is refused, and the line goes on', async () => {
  const { queue, entered, enter, leave } = line({ maxWaiting: 2 })
  await enter('a')
  await enter('b')
  await enter('other', 'other', { modelId: 'other' })
  await enter('waits', 'waits', { modelId: 'other' })
  await expect(queue.enter(MODEL, 'b', nobody)).rejects.toMatchObject({ code: 'overloaded', retryable: true })
  // A model with a free place has no line to wait in.
  await enter('free', 'free', { modelId: 'third' })
  expect(entered).toEqual(['a', 'other', 'free'])
  await leave()
  expect(entered).toEqual(['a', 'other', 'free', 'b'])
})

test('a client that fills the line keeps no other out, until that one has its share', async () => {
  const { queue, enter } = line({ maxWaiting: 4 })
  for (let request = 0; request < 5; request++) await enter(`many ${request}`, 'many')
  await expect(queue.enter(MODEL, 'many', nobody)).rejects.toMatchObject({ code: 'overloaded' })
  for (let request = 0; request < 2; request++) await enter(`few ${request}`, 'few')
  expect(queue.load(MODEL)).toEqual({ running: 1, waiting: 6 })
  for (const client of ['many', 'few']) await expect(queue.enter(MODEL, client, nobody)).rejects.toMatchObject({ code: 'overloaded' })
})

test('one that gives up leaves the line with its reason, and nobody else with it', async () => {
  const { queue, entered, enter, leave } = line()
  await enter('a')
  const gone = new AbortController()
  const waiting = queue.enter(MODEL, 'b', gone.signal)
  await enter('c')
  gone.abort(new Error('gone'))
  await expect(waiting).rejects.toThrow('gone')
  expect(queue.load(MODEL)).toEqual({ running: 1, waiting: 1 })
  await leave()
  expect(entered).toEqual(['a', 'c'])
})

test('one that has gone already is not taken at all', async () => {
  const { queue } = line()
  await expect(queue.enter(MODEL, 'a', AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
  expect(queue.load(MODEL)).toEqual({ running: 0, waiting: 0 })
})

test('a place is given back once, however often it is left', async () => {
  const { queue, entered, enter } = line()
  const place = await queue.enter(MODEL, 'a', nobody)
  for (const name of ['b', 'c']) await enter(name)
  place.leave()
  place.leave()
  await settled()
  expect(entered).toEqual(['b'])
  expect(queue.load(MODEL)).toEqual({ running: 1, waiting: 1 })
})
