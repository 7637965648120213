import type { ServerResponse } from 'node:http'

/**
 * Calls back, once, where whoever asked has gone before the reply was whole. At once where that was before anybody listened: while it was looked at
 * who asks, what they may, and what is left of their budget.
 */
export function onLeave(response: ServerResponse, left: () => void): void {
  if (response.destroyed) return left()
  response.once('close', () => {
    if (!response.writableFinished) left()
  })
}
