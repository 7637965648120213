// Runs before the page, in a world of its own. It passes one port on to the page and exposes nothing else.
import { ipcRenderer } from 'electron'
import { PAGE_PORT_CHANNEL, PORT_FOR_PAGE } from '@fusion/shared/contract/shell.ts'

// A port can be there before the page's scripts listen for it; they have all run when the document is whole.
const pageListens = new Promise<void>(resolve => window.addEventListener('DOMContentLoaded', () => resolve(), { once: true }))

ipcRenderer.on(PAGE_PORT_CHANNEL, ({ ports }) => {
  void pageListens.then(() => window.postMessage(PORT_FOR_PAGE, location.origin, ports))
})
ipcRenderer.send(PAGE_PORT_CHANNEL)
