import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { unlessAborted } from '../unless-aborted.ts'
import { isPublicAddress } from './public-address.ts'

/** The world behind the door, as far as an address may lead that no person chose. */
export interface Outside {
  /** Every IP address of a host name. */
  resolve(host: string): Promise<string[]>
  mayReach(address: string, port: number): boolean
}

/** Only what anybody on the internet can reach, where the web is: never this computer, its network, or another service's port. */
export const theInternet: Outside = {
  resolve: async host => (await lookup(host, { all: true })).map(({ address }) => address),
  mayReach: (address, port) => isPublicAddress(address) && (port === 80 || port === 443),
}

export interface ReadLimits {
  maxBytes: number
  /** From asking a host until its answer begins. */
  answerMs: number
  /** For everything, redirects included. */
  wholeMs: number
  redirects: number
}

export interface ReadOptions {
  outside: Outside
  limits: ReadLimits
  accept: string
  signal: AbortSignal
  /** Called before each connection, that of a redirect too. What it throws ends the reading. */
  onAsking: (url: URL) => void
  onAnswered: (status: number) => void
}

/**
 * The bytes at an address that may come from anywhere, a model's answer too. A host is asked without cookies, credentials or a referrer, by
 * the very addresses that were found to be allowed: were its name looked up twice, the second answer could lead elsewhere (DNS rebinding).
 */
export async function readPublic(address: URL, options: ReadOptions): Promise<Uint8Array> {
  const { limits, signal, onAsking } = options
  const deadline = AbortSignal.timeout(limits.wholeMs)
  let url = address
  for (let redirects = 0; redirects <= limits.redirects; redirects++) {
    onAsking(url)
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), limits.answerMs)
    try {
      const read = await ask(url, options, AbortSignal.any([signal, deadline, late.signal]), () => clearTimeout(timer))
      if (read instanceof Uint8Array) return read
      url = read
    } catch (error) {
      if (signal.aborted) throw failure('cancelled')
      if (deadline.aborted || late.signal.aborted) throw failure('host-too-slow', { host: url.host }, { retryable: true })
      if (error instanceof Failure) throw error
      throw failure('host-unreachable', { host: url.host }, { cause: error, retryable: true })
    } finally {
      clearTimeout(timer)
    }
  }
  throw failure('host-redirects', { host: address.host })
}

/** The bytes that a host sends, or the address it sends on to. */
async function ask(url: URL, options: ReadOptions, signal: AbortSignal, onAnswer: () => void): Promise<Uint8Array | URL> {
  const addresses = await allowedAddresses(url, options.outside, signal)
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    // A connection of its own: none is kept that was opened for another chat.
    agent: false,
    lookup: onlyThese(addresses),
    signal,
    headers: { accept: options.accept, 'accept-encoding': 'identity', 'user-agent': 'Fusion' },
  })
  // What happens to it after it was destroyed is of no interest.
  request.on('error', () => {})
  try {
    const response = await answerOf(request, url)
    onAnswer()
    const { statusCode: status = 0, headers } = response
    options.onAnswered(status)
    if ([301, 302, 303, 307, 308].includes(status) && headers.location !== undefined) return redirected(url, headers.location)
    if (status !== 200) throw failure('host-refused', { host: url.host, status })
    return await readBody(response, options.limits.maxBytes)
  } finally {
    request.destroy()
  }
}

async function answerOf(request: ClientRequest, url: URL): Promise<IncomingMessage> {
  try {
    request.end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    return response
  } catch (error) {
    const { socket } = request
    if (socket && 'authorizationError' in socket && socket.authorizationError) throw failure('host-unproven', { host: url.host })
    throw error
  }
}

async function allowedAddresses(url: URL, outside: Outside, signal: AbortSignal): Promise<string[]> {
  const { host, hostname, protocol, port } = url
  const secure = protocol === 'https:'
  if ((!secure && protocol !== 'http:') || url.username || url.password) throw failure('address-unfit')
  // Other ways to write an IP address (127.1, 0x7f000001, 017700000001) are read by URL already.
  const literal = hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(literal) ? [literal] : await unlessAborted(outside.resolve(hostname), signal)
  if (addresses.length === 0) throw new Error('The host has no address')
  // One that may not be reached among others is no accident.
  const wanted = port === '' ? (secure ? 443 : 80) : Number(port)
  if (!addresses.every(address => outside.mayReach(address, wanted))) throw failure('address-not-public', { host })
  return addresses
}

const onlyThese = (addresses: string[]): LookupFunction => {
  const found = addresses.map(address => ({ address, family: isIP(address) }))
  return (_host, { all }, answer) => (all ? answer(null, found) : answer(null, found[0]!.address, found[0]!.family))
}

function redirected(from: URL, location: string): URL {
  const to = URL.parse(location, from.href)
  // What was asked for in secret is not asked for in the open.
  if (!to || (from.protocol === 'https:' && to.protocol !== 'https:')) throw failure('address-unfit')
  return to
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = () => failure('download-too-large', { limit: `${Math.round(maxBytes / 1_000_000)} MB` })
  if (Number(response.headers['content-length']) > maxBytes) throw tooLarge()
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
