import { PAGE_ORIGIN } from '@fusion/shared/contract/shell.ts'
import type { Electron } from './electron.ts'
import { outsideLink } from './links.ts'
import type { ShellLog } from './log.ts'

/** Writing plain text and images by the copy buttons. Reading the clipboard is not among it. */
const ALLOWED_PERMISSION = 'clipboard-sanitized-write'

/** The page, its data, and Chromium's own tools for developers. Everything else would be a connection. */
const ALLOWED_SCHEMES = new Set(['app:', 'data:', 'blob:', 'devtools:'])

/** The page of Fusion itself, to be loaded anew; no other file and no other place. */
const isOurPage = (url: string) => URL.canParse(url) && new URL(url).href.replace(/[?#].*$/, '') === `${PAGE_ORIGIN}/`

/**
 * What holds for every page in this app, also for one that a model's words have taken over: no permissions, no way to another address,
 * no windows, no web views, no connection. Links open in the person's browser. Call before the first window is made.
 */
export function lockDown({ app, session, shell }: Pick<Electron, 'app' | 'session' | 'shell'>, log: ShellLog): void {
  const { defaultSession } = session
  defaultSession.setPermissionRequestHandler((_, permission, answer) => answer(permission === ALLOWED_PERMISSION))
  defaultSession.setPermissionCheckHandler((_, permission, origin) => permission === ALLOWED_PERMISSION && isOurOrigin(origin))
  defaultSession.setDevicePermissionHandler(() => false)
  defaultSession.webRequest.onBeforeRequest(({ url }, answer) => {
    const allowed = URL.canParse(url) && ALLOWED_SCHEMES.has(new URL(url).protocol)
    if (!allowed) log.warn({ scheme: URL.canParse(url) ? new URL(url).protocol : 'none' }, 'connection refused')
    answer({ cancel: !allowed })
  })

  function openOutside(url: string): void {
    const link = outsideLink(url)
    if (link) void shell.openExternal(link).catch(() => log.warn({}, 'no program opens this link'))
    else log.warn({}, 'link refused')
  }

  app.on('web-contents-created', (_, contents) => {
    contents.setWindowOpenHandler(({ url }) => {
      openOutside(url)
      return { action: 'deny' }
    })
    contents.on('will-navigate', event => {
      if (isOurPage(event.url)) return
      event.preventDefault()
      openOutside(event.url)
    })
    // A frame inside the page, or a redirect, is nobody's click: refused without opening anything.
    contents.on('will-frame-navigate', event => {
      if (!event.isMainFrame) event.preventDefault()
    })
    contents.on('will-redirect', event => event.preventDefault())
    contents.on('will-attach-webview', event => event.preventDefault())
    // WebRTC sends its own packets past the handler of requests above: only by a proxy then, and there is none.
    contents.setWebRTCIPHandlingPolicy('disable_non_proxied_udp')
  })
}

/** Chromium writes the origin of a check with a slash at its end. */
const isOurOrigin = (origin: string) => origin.replace(/\/$/, '') === PAGE_ORIGIN
