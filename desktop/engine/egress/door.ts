import type { Privacy } from '@fusion/shared/chat/conversation.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { Log } from '../log.ts'
import { type Outside, readPublic, type ReadLimits, theInternet } from './read-public.ts'

/** Why the engine may want a connection. What carries words of a chat is named apart from what never does. */
export type ChatPurpose = 'cloud-answer' | 'sync'
export type OtherPurpose = 'account' | 'model-download'
/** An address that a model wrote, and a person asked to see. */
export type ShownPurpose = 'image'

interface OfChat {
  conversationId: string
  /** The person was shown what would leave for this very errand, and said yes. Needed where the chat's privacy is `ask`. */
  agreed?: boolean
}

/** To a service that Fusion was told to use. */
export type Errand = {
  url: string | URL
  init?: Omit<RequestInit, 'redirect'>
} & (({ purpose: ChatPurpose } & OfChat) | { purpose: OtherPurpose; conversationId?: never; agreed?: never })

/** To an address that stands in a chat. */
export interface PublicErrand extends OfChat {
  purpose: ShownPurpose
  url: string
  /** What is wanted, as the `accept` of HTTP. */
  accept: string
  signal: AbortSignal
}

/** The only place in the engine that opens a connection. */
export interface Door {
  /**
   * As `fetch`. Opens nothing, and rejects with `chat-local-only` or else `egress-refused`, where privacy or the address does not allow it.
   */
  request(errand: Errand): Promise<Response>
  /**
   * The whole body at an address that nobody of Fusion chose: asked for only when the person agreed, whatever the chat's privacy, and only on
   * the public internet, at each redirect anew. Rejects with the words for what went wrong.
   */
  readPublic(errand: PublicErrand): Promise<Uint8Array>
}

export interface DoorOptions {
  log: Log
  /** The privacy a chat has now, from storage and not from whoever asks; undefined for a chat that is not known. */
  privacyOf(conversationId: string): Privacy | undefined
  outside?: Outside | undefined
  limits?: Partial<ReadLimits>
}

const LIMITS: ReadLimits = { maxBytes: 20_000_000, answerMs: 10_000, wholeMs: 60_000, redirects: 3 }

/** Fails closed: a chat that is not known, or a privacy that is not, is treated as local-only. Logs purpose and host, never a path or a body. */
export function openDoor({ log, privacyOf, outside = theInternet, limits }: DoorOptions): Door {
  type About = { purpose: string; conversationId?: string | undefined; host: string | undefined }

  function refuse(about: About, why: string): never {
    log.warn({ ...about, why }, 'connection refused')
    throw failure(why === LOCAL_ONLY ? 'chat-local-only' : 'egress-refused')
  }

  return {
    async request(errand) {
      const { purpose, conversationId } = errand
      const url = URL.parse(String(errand.url))
      const about = { purpose, conversationId, host: url?.host }
      const why = whyNot(errand, url, privacyOf)
      if (why || !url) refuse(about, why ?? NO_ADDRESS)
      const startedAt = performance.now()
      // A redirect would carry the body to a host that nobody was asked about.
      const answered = await fetch(url, { ...errand.init, redirect: 'error' }).catch((error: unknown) => {
        log.info({ ...about, ms: since(startedAt) }, 'connection failed')
        throw error
      })
      log.info({ ...about, status: answered.status, ms: since(startedAt) }, 'connection made')
      return answered
    },

    async readPublic(errand) {
      const { purpose, conversationId, accept, signal } = errand
      let about: About = { purpose, conversationId, host: undefined }
      const address = URL.parse(errand.url)
      if (!address) refuse(about, NO_ADDRESS)
      /** Whether the log has heard how this connection went. */
      let told = false
      const startedAt = performance.now()
      const onAsking = (url: URL) => {
        about = { ...about, host: url.host }
        const why = whyNotShown(errand, privacyOf)
        told = why !== undefined
        if (why) refuse(about, why)
      }
      const onAnswered = (status: number) => {
        told = true
        log.info({ ...about, status, ms: since(startedAt) }, 'connection made')
      }
      try {
        return await readPublic(address, { outside, limits: { ...LIMITS, ...limits }, accept, signal, onAsking, onAnswered })
      } catch (error) {
        const code = error instanceof Failure ? error.code : 'internal'
        if (code.startsWith('address-')) log.warn({ ...about, why: code }, 'connection refused')
        else if (!told) log.info({ ...about, why: code, ms: since(startedAt) }, 'connection failed')
        throw error
      }
    },
  }
}

const since = (startedAt: number) => Math.round(performance.now() - startedAt)

const LOCAL_ONLY = 'chat is local-only'
const NO_ADDRESS = 'no address'

function whyNot(errand: Errand, url: URL | null, privacyOf: DoorOptions['privacyOf']): string | undefined {
  if (!url) return NO_ADDRESS
  if (!isProtected(url)) return 'not encrypted'
  if (url.username || url.password) return 'credentials in the address'
  switch (errand.purpose) {
    case 'account':
    case 'model-download':
      // Something that names a chat carries something of it, whatever it calls itself.
      return errand.conversationId === undefined ? undefined : 'purpose is not for chats'
    case 'cloud-answer':
    case 'sync':
      return whyPrivate(privacyOf(errand.conversationId), errand.agreed)
    default:
      return 'no known purpose'
  }
}

function whyNotShown({ purpose, conversationId, agreed }: PublicErrand, privacyOf: DoorOptions['privacyOf']): string | undefined {
  if (purpose !== 'image') return 'no known purpose'
  return whyPrivate(privacyOf(conversationId), agreed) ?? (agreed === true ? undefined : 'not asked')
}

function whyPrivate(privacy: Privacy | undefined, agreed: boolean | undefined): string | undefined {
  if (privacy === 'auto') return undefined
  if (privacy === 'ask') return agreed === true ? undefined : 'not asked'
  return privacy === 'local-only' ? LOCAL_ONLY : 'chat is not known'
}

/** Plain HTTP only to this computer itself, where a cloud may run beside the app. */
const isProtected = (url: URL) =>
  url.protocol === 'https:' || (url.protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname))
