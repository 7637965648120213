const KEY = 'fusion-reloaded'

/** A page that was left open over an update speaks an old contract: it is read anew, once, so that a fault does not make it blink for ever. */
export function reloadOnce(upToDate: boolean): void {
  if (upToDate) return sessionStorage.removeItem(KEY)
  if (sessionStorage.getItem(KEY)) return
  sessionStorage.setItem(KEY, 'yes')
  location.reload()
}
