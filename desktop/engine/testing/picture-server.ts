// A host of pictures, and of all that a hostile one may send in their place, on this computer.
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type Outside, theInternet } from '../egress/read-public.ts'
import { certificate, key } from './certificate.ts'

/** Five by three pixels. */
export const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAUAAAADCAIAAADUVFKvAAAAFElEQVR4nGM8YaPBgASYGFABOh8AN0gBMlDdnAwAAAAASUVORK5CYII=',
  'base64',
)

export interface PictureServer {
  port: number
  /** Another service of this computer, which nothing may reach. */
  neighbour: { port: number; visits: string[] }
  visits: { path: string; headers: IncomingHttpHeaders }[]
  /** Resolves when somebody has asked for something. */
  visited: Promise<void>
  /** Resolves when somebody has gone away before the end of an answer. */
  left: Promise<void>
  /** How many answers are not at their end. */
  waiting(): number
  close(): void
}

/** Serves `pictures` besides its own repertoire; over TLS as pictures.example where `secure`. */
export async function startPictureServer({ pictures = {}, secure = false }: { pictures?: Record<string, Buffer>; secure?: boolean } = {}) {
  const neighbourVisits: string[] = []
  const neighbour = await listen(
    createServer((request, response) => {
      neighbourVisits.push(request.url ?? '')
      response.end('secret')
    }),
  )
  const visited = Promise.withResolvers<void>()
  const left = Promise.withResolvers<void>()
  const visits: PictureServer['visits'] = []
  let waiting = 0
  const huge = Buffer.from(png)
  huge.writeUInt32BE(50_000, 16)
  huge.writeUInt32BE(50_000, 20)
  const elsewhere: Record<string, string> = {
    '/sent-on.png': '/picture.png',
    '/sent-to-another.png': `http://another.example:PORT/picture.png`,
    '/sent-home.png': `http://127.0.0.1:${neighbour.port}/`,
    '/sent-home-by-name.png': `http://inside.example/`,
    '/sent-round.png': '/sent-round.png',
    '/sent-to-file.png': 'file:///etc/passwd',
    '/sent-into-the-open.png': 'http://pictures.example:PORT/picture.png',
    '/sent-nowhere.png': 'http://',
  }
  const bodies: Record<string, Buffer | string> = {
    '/picture.png': png,
    '/page.png': '<!doctype html><script>alert(1)</script>',
    '/drawing.svg': '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    '/huge.png': huge,
    ...pictures,
  }

  const answer: RequestListener = (request, response) => {
    const { url: path = '', headers } = request
    visits.push({ path, headers })
    visited.resolve()
    response.on('error', () => {})
    waiting++
    response.on('close', () => {
      waiting--
      if (!response.writableFinished) left.resolve()
    })
    // Whatever it sends, it says that it is a PNG.
    response.setHeader('content-type', 'image/png')
    response.setHeader('set-cookie', 'seen=1')
    const location = elsewhere[path]?.replace('PORT', String((server.address() as AddressInfo).port))
    if (location !== undefined) return void response.writeHead(302, { location }).end()
    const body = bodies[path.replace(/\?.*$/, '')]
    if (body !== undefined) return void response.end(body)
    switch (path) {
      case '/silent.png':
        return
      case '/drip.png':
        return void response.write(png.subarray(0, 20))
      case '/endless.png': {
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
        }
        response.write(png)
        response.on('drain', more)
        return more()
      }
      case '/announced.png':
        return void response.writeHead(200, { 'content-length': 30_000_000 }).write(png)
      case '/cut-off.png':
        response.writeHead(200, { 'content-length': 1000 }).write(png, () => response.destroy())
        return
      default:
        response.writeHead(404).end()
    }
  }
  const server: Server = secure ? createSecureServer({ key, cert: certificate }, answer) : createServer(answer)
  const { port, close } = await listen(server)
  return {
    port,
    neighbour: { port: neighbour.port, visits: neighbourVisits },
    visits,
    visited: visited.promise,
    left: left.promise,
    waiting: () => waiting,
    close() {
      close()
      neighbour.close()
    },
  } satisfies PictureServer
}

async function listen(server: Server): Promise<{ port: number; close(): void }> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { port: (server.address() as AddressInfo).port, close }
}

/**
 * The internet, in which the names under `.example` are this computer's, and one of its ports may be reached. Everything else is as it is:
 * inside.example lies in a private network, and both.example has one leg there.
 */
export function internetWith(port: number): Outside {
  return {
    async resolve(host) {
      if (host === 'inside.example') return ['10.0.0.1']
      if (host === 'both.example') return ['127.0.0.1', '10.0.0.1']
      if (host === 'nowhere.example') throw new Error('ENOTFOUND')
      return host.endsWith('.example') ? ['127.0.0.1'] : theInternet.resolve(host)
    },
    mayReach: (address, wanted) => (address === '127.0.0.1' && wanted === port) || theInternet.mayReach(address, wanted),
  }
}
