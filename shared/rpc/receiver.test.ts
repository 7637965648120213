import { expect, test } from 'vitest'
import { createReceiver } from './receiver.ts'

test('messages that come before anybody listens are kept, in order', () => {
  const receiver = createReceiver()
  const seen: unknown[] = []
  receiver.deliver(1)
  receiver.deliver(2)
  receiver.end()
  receiver.onMessage(message => seen.push(message))
  expect(seen).toEqual([1, 2])
})

test('after the end nothing is delivered, and whoever asks then is told at once', () => {
  const receiver = createReceiver()
  const seen: unknown[] = []
  receiver.onMessage(message => seen.push(message))
  receiver.onClose(() => seen.push('closed'))
  receiver.end()
  receiver.end()
  receiver.deliver('late')
  receiver.onClose(() => seen.push('told late'))
  expect(seen).toEqual(['closed', 'told late'])
})
