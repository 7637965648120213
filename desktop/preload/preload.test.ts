import { EventEmitter } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'

const ipcRenderer = Object.assign(new EventEmitter(), { sent: [] as string[], send: (channel: string) => ipcRenderer.sent.push(channel) })
vi.mock('electron', () => ({ ipcRenderer }))

test('it asks once, passes the port on when the page listens, and exposes nothing', async () => {
  const posted: unknown[] = []
  const page = Object.assign(new EventTarget(), { postMessage: (...given: unknown[]) => posted.push(given) })
  vi.stubGlobal('window', page)
  vi.stubGlobal('location', { origin: 'app://fusion' })
  const { port1 } = new MessageChannel()
  const before = Object.keys(globalThis)

  await import('./preload.ts')
  expect(ipcRenderer.sent).toEqual(['page-port'])
  ipcRenderer.emit('page-port', { ports: [port1] })
  await setImmediate()
  expect(posted).toEqual([])

  page.dispatchEvent(new Event('DOMContentLoaded'))
  await setImmediate()
  expect(posted).toEqual([['fusion-port', 'app://fusion', [port1]]])
  expect(Object.keys(globalThis)).toEqual(before)
  expect(Object.keys(page)).toEqual(['postMessage'])
})
