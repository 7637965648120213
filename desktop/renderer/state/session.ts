/** What the address bar brought along: the token that `serve` printed, or null. */
export function tokenIn(hash: string): string | null {
  return /^#token=([\w.~-]+)$/.exec(hash)?.[1] ?? null
}

/**
 * Exchanges the printed token for the browser's cookie and takes it out of the address bar, so that it is not kept in the history.
 * False when the engine refused it. Without a token in the address it does nothing.
 */
export async function exchangeToken(): Promise<boolean> {
  const token = tokenIn(location.hash)
  if (token === null) return true
  history.replaceState(null, '', location.pathname)
  const response = await fetch('/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
  return response.ok
}
