/** Electron's API in the main process. It is handed to whoever needs it, so that Node can run all of main's logic without Electron. */
export type Electron = typeof import('electron')
