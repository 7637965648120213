import type { MessagePortMain, WebContents, WebFrameMain } from 'electron'
import { PAGE_ORIGIN, PAGE_PORT_CHANNEL } from '@fusion/shared/contract/shell.ts'
import type { Electron } from './electron.ts'
import type { ShellLog } from './log.ts'

export interface PagePorts {
  /** A new engine is there: the page that had asked gets a port to it. */
  renew(): void
  /** The engine has ended: the page is told, since its port does not tell it. */
  drop(): void
}

export interface PagePortsOptions {
  /** The page of the app's own window, while there is one. */
  page: () => WebContents | undefined
  /** Takes the engine's end of a channel; false while there is no engine. */
  take: (port: MessagePortMain) => boolean
  log: ShellLog
}

/** Whoever holds a port can read and delete every chat, so it goes to the main frame of our own window alone, on our own origin. */
const mayHoldPort = (frame: WebFrameMain | null, page: WebContents | undefined): frame is WebFrameMain =>
  frame !== null &&
  !frame.isDestroyed() &&
  page !== undefined &&
  !page.isDestroyed() &&
  frame.frameTreeNodeId === page.mainFrame.frameTreeNodeId &&
  frame.origin === PAGE_ORIGIN

/** Connects the page to the engine: when its preload asks, as after a reload, and again after each start of the engine. */
export function createPagePorts(
  { ipcMain, MessageChannelMain }: Pick<Electron, 'ipcMain' | 'MessageChannelMain'>,
  { page, take, log }: PagePortsOptions,
): PagePorts {
  let asked = false

  function handOver(frame: WebFrameMain): void {
    const { port1, port2 } = new MessageChannelMain()
    if (take(port1)) frame.postMessage(PAGE_PORT_CHANNEL, null, [port2])
  }

  ipcMain.on(PAGE_PORT_CHANNEL, event => {
    const frame = event.senderFrame
    if (!mayHoldPort(frame, page())) return log.warn({}, 'port refused')
    asked = true
    handOver(frame)
  })

  /** Calls with the page's frame, if the page had asked and still is ours. */
  function withPage(tell: (frame: WebFrameMain) => void): void {
    const frame = page()?.mainFrame ?? null
    if (asked && mayHoldPort(frame, page())) tell(frame)
  }

  return {
    renew: () => withPage(handOver),
    drop: () => withPage(frame => frame.postMessage(PAGE_PORT_CHANNEL, null, [])),
  }
}
