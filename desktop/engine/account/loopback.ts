// The one listener besides engine/http: for the browser that comes back from signing in (RFC 8252, section 7.3).
import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { failure } from '@fusion/shared/contract/failures.ts'

export interface Loopback {
  redirectUri: string
  /** Resolves with the code that came with the right `state`; rejects with `sign-in-refused` where the person, or the cloud, said no. */
  code: Promise<string>
  close(): void
}

const page = (words: string) =>
  `<!doctype html><meta charset="utf-8"><title>Fusion</title><style>body{font:16px system-ui;margin:20vh auto;max-width:30em;padding:0 1em;color-scheme:light dark}</style><p>${words}</p>`

/** Listens on a free port of 127.0.0.1 for one sign-in; what comes without its `state` is not heard. */
export async function listenForCode(state: string): Promise<Loopback> {
  const code = Promise.withResolvers<string>()
  code.promise.catch(() => {})
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    const say = (status: number, words: string) =>
      response
        .writeHead(status, {
          'content-type': 'text/html; charset=utf-8',
          'cache-control': 'no-store',
          'referrer-policy': 'no-referrer',
          'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
          connection: 'close',
        })
        .end(page(words))
    if (request.method !== 'GET' || url.pathname !== '/callback' || !same(url.searchParams.get('state') ?? '', state))
      return void say(404, 'This sign-in was not begun by Fusion, or is over.')
    const given = url.searchParams.get('code')
    if (!given) {
      say(200, 'Fusion was not signed in. You can close this page.')
      return code.reject(failure('sign-in-refused'))
    }
    say(200, 'Fusion is signed in. You can close this page and go back to it.')
    code.resolve(given)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    redirectUri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`,
    code: code.promise,
    // The browser may still be reading the page that says so.
    close: () => void server.close(),
  }
}

function same(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}
