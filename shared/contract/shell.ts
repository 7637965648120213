// What Electron's main process, the preload of the page and the engine's process say to each other. Everything else goes by the RPC,
// from page to engine, on the port that is handed over here. All of them ship together, so these are types and names, without schemas.

/** Where the page lives in Electron. */
export const PAGE_SCHEME = 'app'
export const PAGE_HOST = 'fusion'
export const PAGE_ORIGIN = `${PAGE_SCHEME}://${PAGE_HOST}`

/**
 * Between preload and main: the preload asks under this name, and gets a MessagePort under it: again after each start of the
 * engine, and none when the engine has ended.
 */
export const PAGE_PORT_CHANNEL = 'page-port'

/**
 * The data of the window message by which the preload passes that port on to the page. Without a port it says that the engine is gone;
 * a page cannot see that from its end of the port.
 */
export const PORT_FOR_PAGE = 'fusion-port'

/** Main to the engine. A `page-port` message brings one port with it. After `close` the engine ends its process. */
export type ToEngine = { type: 'page-port' } | { type: 'close' }

/** The engine to main: it answers pages now; or it can't start, and why, in words for a person. */
export type FromEngine = { type: 'engine-ready' } | { type: 'engine-failed'; code: string; what: string; next: string }
