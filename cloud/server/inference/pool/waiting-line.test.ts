import { expect, test } from 'vitest'
import { createWaitingLine } from './waiting-line.ts'

function start() {
  const line = createWaitingLine()
  const gone: string[] = []
  const enter = (name: string, { who = name, rank = 1, ready = (): boolean => true } = {}) =>
    line.enter({ who, rank, ready, go: () => void gone.push(name) })
  const call = (times: number) => {
    for (let time = 0; time < times; time++) line.call()
    return gone.splice(0)
  }
  return { line, enter, call }
}

test('whoever sent hundreds waits behind the first of everybody else', () => {
  const { enter, call } = start()
  for (let index = 0; index < 300; index++) enter(`ada ${index}`, { who: 'ada' })
  enter('ben 0', { who: 'ben' })
  enter('ben 1', { who: 'ben' })
  expect(call(4)).toEqual(['ada 0', 'ben 0', 'ada 1', 'ben 1'])
})

test('two who ask without end have the same number of turns, whoever came first', () => {
  const { enter, call } = start()
  for (let index = 0; index < 100; index++) enter('ada', { who: 'ada' })
  for (let index = 0; index < 20; index++) enter('ben', { who: 'ben' })
  const turns = call(40)
  expect(turns.filter(name => name === 'ben').length).toBeGreaterThanOrEqual(18)
})

test('a better rank comes first, and the others are not forgotten behind a stream of it', () => {
  const { enter, call } = start()
  enter('batch', { rank: 3 })
  for (let index = 0; index < 20; index++) enter('person', { who: `person ${index}` })
  enter('begun', { rank: 0 })
  const turns = call(22)
  expect(turns[0]).toBe('begun')
  expect(turns.indexOf('batch')).toBe(7)
})

test('one that can not go holds up nobody, and goes when it can', () => {
  const { enter, call, line } = start()
  let ready = false
  enter('waits', { ready: () => ready })
  enter('goes')
  expect(call(2)).toEqual(['goes'])
  expect(line.size()).toBe(1)
  ready = true
  expect(call(1)).toEqual(['waits'])
  expect(line.call()).toBe(false)
})

test('each is told how many come before it, and leaving moves those behind on', () => {
  const { enter } = start()
  const first = enter('ada 0', { who: 'ada' })
  const second = enter('ada 1', { who: 'ada' })
  const other = enter('ben 0', { who: 'ben' })
  expect([first.ahead(), second.ahead(), other.ahead()]).toEqual([0, 2, 1])
  first.leave()
  // The next one has its turn.
  expect([second.ahead(), other.ahead()]).toEqual([0, 1])
})

test('whoever leaves and comes again is not moved back by that', () => {
  const { enter, call } = start()
  for (let index = 0; index < 3; index++) enter(`ada ${index}`, { who: 'ada' })
  for (let time = 0; time < 20; time++) enter('ben', { who: 'ben' }).leave()
  enter('ben', { who: 'ben' })
  expect(call(4)).toEqual(['ada 0', 'ben', 'ada 1', 'ada 2'])
})
