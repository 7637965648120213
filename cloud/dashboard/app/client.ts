import type { BodyOf, ReplyOf, Route } from '@fusion/shared/contract/cloud/route.ts'
import { reach } from './reach.ts'
import { accessToken, forget, SignedOut } from './session.ts'

export { SignedOut } from './session.ts'

/** What the cloud refused, in its own words for people. */
export class Refused extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

interface Asked<R extends Route> {
  params?: Record<string, string>
  query?: Record<string, string | number | undefined>
  body?: BodyOf<R>
}

/** Calls a route of the contract as whoever is signed in. Throws `SignedOut` or `Refused`. */
export async function call<R extends Route>(route: R, { params = {}, query = {}, body }: Asked<R> = {}): Promise<ReplyOf<R>> {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
  const asked = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))
  const search = asked.length > 0 ? `?${new URLSearchParams(asked).toString()}` : ''
  const reply = await reach(path + search, {
    method: route.method,
    headers: {
      authorization: `Bearer ${await accessToken()}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(route.method !== 'GET' && { 'idempotency-key': crypto.randomUUID() }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  if (reply.status === 401) {
    forget()
    throw new SignedOut()
  }
  if (!reply.ok) throw new Refused(reply.status, await wordsOf(reply))
  return (reply.status === 204 ? undefined : await reply.json()) as ReplyOf<R>
}

async function wordsOf(reply: Response): Promise<string> {
  const told = (await reply.json().catch(() => undefined)) as { error?: { message?: string } } | undefined
  return told?.error?.message ?? 'The cloud did not say why. Try again in a moment.'
}
