import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** Decides who may talk to the engine on a port that every program and every web page of this computer can reach. */
export interface Gate {
  /** What `serve` prints for the person; lives as long as the process. */
  readonly token: string
  /** The request names this server itself. A page whose own name was pointed at 127.0.0.1 (DNS rebinding) names that instead. */
  hostIsOurs(headers: IncomingHttpHeaders): boolean
  /** The request comes from our own page, not from another one that the browser has open. */
  originIsOurs(headers: IncomingHttpHeaders): boolean
  /** The value for `set-cookie`, or undefined for a wrong token. */
  exchange(token: string): string | undefined
  hasCookie(headers: IncomingHttpHeaders): boolean
}

/** Cookies ignore ports, so the name carries the port: two engines on one computer keep each other's sessions apart. */
export const cookieName = (port: number): string => `fusion-session-${port}`

/** `openCode`: opens the first session only, where somebody may have read it over the person's shoulder. */
export function createGate(port: number, openCode: string | null = null): Gate {
  const token = randomBytes(32).toString('base64url')
  // Another secret than the token: what lies in a browser's cookie store does not open a session in another browser.
  const session = randomBytes(32).toString('base64url')
  const names = ['127.0.0.1', 'localhost']
  // Port 80 is left out of Host and Origin by every client.
  const hosts = new Set(names.map(name => (port === 80 ? name : `${name}:${port}`)))

  return {
    token,
    hostIsOurs: ({ host }) => host !== undefined && hosts.has(host),
    originIsOurs: ({ host, origin }) => origin === `http://${host}`,
    exchange(offered) {
      const opens = openCode !== null && equal(offered, openCode)
      if (!opens && !equal(offered, token)) return undefined
      if (opens) openCode = null
      // Path=/rpc: a server on another port of this computer gets the cookie only where a page asks it for /rpc.
      return `${cookieName(port)}=${session}; Path=/rpc; HttpOnly; SameSite=Strict`
    },
    hasCookie: ({ cookie }) => equal(cookieValue(cookie ?? '', cookieName(port)), session),
  }
}

function cookieValue(header: string, name: string): string {
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
  }
  return ''
}

/** Takes the same time wherever the two differ. */
function equal(offered: string, secret: string): boolean {
  const bytes = Buffer.from(offered)
  const wanted = Buffer.from(secret)
  return bytes.length === wanted.length && timingSafeEqual(bytes, wanted)
}
