import { expect, test } from 'vitest'
import { asStep, inSpan, nextStep, parseTraceparent, traceHeaders, traceparent } from './trace.ts'

const header = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

test('a trace that comes in goes on under its id, with a step of our own', () => {
  const parent = parseTraceparent(header, 'rojo=00f067aa0ba902b7')
  expect(traceparent(parent!)).toBe(header)
  const step = nextStep(parent)
  expect(step).toMatchObject({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', flags: 1, state: 'rojo=00f067aa0ba902b7' })
  expect(step.spanId).not.toBe('00f067aa0ba902b7')
})

test('a header that the standard does not allow begins a trace of our own', () => {
  const wrong = [
    undefined,
    '',
    'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
    '00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01',
    `${header}-more`,
    `${header}\r\nx: y`,
    [header],
    header.repeat(10_000),
  ]
  expect(wrong.map(one => parseTraceparent(one))).toEqual(wrong.map(() => undefined))
})

test('whoever is asked for the sake of a request is told its step, across awaits, and outside of one nothing is told', async () => {
  const step = nextStep(undefined)
  const told = await asStep(step, undefined, async () => {
    await new Promise(resolve => setImmediate(resolve))
    return inSpan('asking', {}, async () => traceHeaders())
  })
  expect(told).toEqual({ traceparent: traceparent(step) })
  expect(traceHeaders()).toEqual({})
})
