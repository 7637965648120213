import { expect, test } from 'vitest'
import type { MessagePortMain, WebContents } from 'electron'
import { createPagePorts } from './page-ports.ts'
import { ContentsDouble, createElectronDouble, FrameDouble } from './testing/electron-double.ts'
import { createQuietLog } from './testing/quiet-log.ts'

function create() {
  const { electron, ipcMain } = createElectronDouble()
  const page = new ContentsDouble()
  const taken: MessagePortMain[] = []
  const log = createQuietLog()
  const state = { hasEngine: true, page: page as ContentsDouble | undefined }
  const ports = createPagePorts(electron, {
    page: () => state.page as unknown as WebContents | undefined,
    take: port => state.hasEngine && taken.push(port) > 0,
    log,
  })
  const ask = (senderFrame: FrameDouble | null) => ipcMain.emit('page-port', { senderFrame })
  return { ports, page, taken, log, state, ask }
}

test('our page gets a port each time it asks, as after a reload', () => {
  const { page, taken, ask } = create()
  ask(page.mainFrame)
  ask(page.mainFrame)
  expect(taken).toHaveLength(2)
  expect(page.mainFrame.received).toHaveLength(2)
})

test('no other frame gets one', () => {
  const { page, taken, log, ask, state } = create()
  const foreign = new ContentsDouble().mainFrame
  const inner = new FrameDouble('app://fusion', page.mainFrame)
  for (const frame of [null, foreign, inner]) ask(frame)
  for (const origin of ['https://example.com', 'null', 'app://fusion.evil', 'app://other', 'file://']) {
    page.mainFrame.origin = origin
    ask(page.mainFrame)
  }
  page.mainFrame.origin = 'app://fusion'
  page.mainFrame.destroyed = true
  ask(page.mainFrame)
  page.mainFrame.destroyed = false
  page.destroyed = true
  ask(page.mainFrame)
  state.page = undefined
  ask(page.mainFrame)
  expect(taken).toEqual([])
  expect(page.mainFrame.received.concat(foreign.received, inner.received)).toEqual([])
  expect(log.events).toEqual(Array(11).fill('port refused'))
})

test('a page that asked before there was an engine gets its port when it is there', () => {
  const { ports, page, state, ask } = create()
  state.hasEngine = false
  ask(page.mainFrame)
  expect(page.mainFrame.received).toEqual([])
  state.hasEngine = true
  ports.renew()
  expect(page.mainFrame.received).toHaveLength(1)
})

test('the page is told when its engine has ended, if it had asked for one', () => {
  const { ports, page, ask } = create()
  ports.drop()
  expect(page.mainFrame.received).toEqual([])
  ask(page.mainFrame)
  ports.drop()
  expect(page.mainFrame.received.map(message => message.ports.length)).toEqual([1, 0])
})

test('a new engine gives no port to a page that has not asked, or that has gone elsewhere', () => {
  const { ports, page, taken, ask } = create()
  ports.renew()
  expect(taken).toEqual([])
  ask(page.mainFrame)
  page.mainFrame.origin = 'https://example.com'
  ports.renew()
  expect(taken).toHaveLength(1)
})
