import { expect, test } from 'vitest'
import { PAGE_ORIGIN } from '@fusion/shared/contract/shell.ts'
import { lockDown } from './lock-down.ts'
import { ContentsDouble, createElectronDouble } from './testing/electron-double.ts'
import { createQuietLog } from './testing/quiet-log.ts'

function lock() {
  const double = createElectronDouble()
  const log = createQuietLog()
  lockDown(double.electron, log)
  const contents = new ContentsDouble()
  double.app.emit('web-contents-created', {}, contents)
  /** Whether the event was prevented. */
  const send = (name: string, details: Record<string, unknown> = {}) => {
    let prevented = false
    contents.emit(name, { ...details, preventDefault: () => (prevented = true) })
    return prevented
  }
  return { ...double, log, contents, send }
}

test('every permission is denied, but for writing to the clipboard', () => {
  const { session } = lock()
  const granted: string[] = []
  for (const permission of ['media', 'geolocation', 'notifications', 'clipboard-read', 'openExternal', 'clipboard-sanitized-write']) {
    session.permissionRequest({}, permission, yes => {
      if (yes) granted.push(`request ${permission}`)
    })
    if (session.permissionCheck({}, permission, `${PAGE_ORIGIN}/`)) granted.push(`check ${permission}`)
    if (session.permissionCheck({}, permission, 'https://example.com/')) granted.push(`check elsewhere ${permission}`)
  }
  expect(granted).toEqual(['request clipboard-sanitized-write', 'check clipboard-sanitized-write'])
  expect(session.device()).toBe(false)
})

test('nothing in a page opens a connection', () => {
  const { session } = lock()
  const cancelled = (url: string) => {
    let answer: unknown
    session.beforeRequest({ url }, given => (answer = given))
    return (answer as { cancel: boolean }).cancel
  }
  for (const url of [
    'https://example.com/',
    'http://127.0.0.1:4310/',
    'ws://example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'x',
  ]) {
    expect([url, cancelled(url)]).toEqual([url, true])
  }
  for (const url of [`${PAGE_ORIGIN}/app.js`, 'data:image/png;base64,', 'blob:app://fusion/1', 'devtools://devtools/x']) {
    expect([url, cancelled(url)]).toEqual([url, false])
  }
})

test('a page sends no packets by WebRTC, which asks no handler of requests', () => {
  expect(lock().contents.webRtc).toBe('disable_non_proxied_udp')
})

test('no window opens; a link opens in the browser, if it is one', () => {
  const { contents, opened, log } = lock()
  for (const url of ['https://example.com/', 'file:///etc/passwd', 'javascript:alert(1)', 'mailto:ada@example.com']) {
    expect(contents.openHandler({ url })).toEqual({ action: 'deny' })
  }
  expect(opened).toEqual(['https://example.com/', 'mailto:ada@example.com'])
  expect(log.events).toEqual(['link refused', 'link refused'])
})

test('the page may be loaded anew, and nothing else takes its place', () => {
  const { send, opened } = lock()
  expect(send('will-navigate', { url: `${PAGE_ORIGIN}/` })).toBe(false)
  expect(send('will-navigate', { url: `${PAGE_ORIGIN}/#chat` })).toBe(false)
  for (const url of [
    'https://example.com/',
    `${PAGE_ORIGIN}/assets/x.svg`,
    'app://fusion.evil/',
    'app://evil/',
    'file:///x',
    'data:text/html,x',
    'x',
  ]) {
    expect([url, send('will-navigate', { url })]).toEqual([url, true])
  }
  expect(opened).toEqual(['https://example.com/'])
})

test('frames, redirects and web views are refused without opening anything', () => {
  const { send, opened } = lock()
  expect(send('will-frame-navigate', { url: 'https://example.com/', isMainFrame: false })).toBe(true)
  expect(send('will-redirect', { url: 'https://example.com/' })).toBe(true)
  expect(send('will-attach-webview')).toBe(true)
  expect(opened).toEqual([])
})
