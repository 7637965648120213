import type { Privacy } from '@fusion/shared/chat/conversation.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Log } from '../log.ts'

/** Why the engine may want a connection. What carries words of a chat is named apart from what never does. */
export type ChatPurpose = 'cloud-answer' | 'sync'
export type OtherPurpose = 'account' | 'model-download'

export type Errand = {
  url: string | URL
  init?: Omit<RequestInit, 'redirect'>
} & (
  | {
      purpose: ChatPurpose
      conversationId: string
      /** The person was shown what would leave for this very errand, and said yes. Needed where the chat's privacy is `ask`. */
      agreed?: boolean
    }
  | { purpose: OtherPurpose; conversationId?: never; agreed?: never }
)

/** The only place in the engine that opens a connection. */
export interface Door {
  /** As `fetch`. Rejects with `egress-refused`, and opens nothing, where privacy or the address does not allow it. */
  request(errand: Errand): Promise<Response>
}

export interface DoorOptions {
  log: Log
  /** The privacy a chat has now, from storage and not from whoever asks; undefined for a chat that is not known. */
  privacyOf(conversationId: string): Privacy | undefined
}

/** Fails closed: a chat that is not known, or a privacy that is not, is treated as local-only. Logs purpose and host, never a path or a body. */
export function openDoor({ log, privacyOf }: DoorOptions): Door {
  return {
    async request(errand) {
      const { purpose, conversationId } = errand
      const url = URL.parse(String(errand.url))
      const why = whyNot(errand, url, privacyOf)
      if (why || !url) {
        log.warn({ purpose, conversationId, host: url?.host, why }, 'connection refused')
        throw failure('egress-refused')
      }
      const startedAt = performance.now()
      // A redirect would carry the body to a host that nobody was asked about.
      const answered = await fetch(url, { ...errand.init, redirect: 'error' }).catch((error: unknown) => {
        log.info({ purpose, conversationId, host: url.host, ms: since(startedAt) }, 'connection failed')
        throw error
      })
      log.info({ purpose, conversationId, host: url.host, status: answered.status, ms: since(startedAt) }, 'connection made')
      return answered
    },
  }
}

const since = (startedAt: number) => Math.round(performance.now() - startedAt)

function whyNot(errand: Errand, url: URL | null, privacyOf: DoorOptions['privacyOf']): string | undefined {
  if (!url) return 'no address'
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

function whyPrivate(privacy: Privacy | undefined, agreed: boolean | undefined): string | undefined {
  if (privacy === 'auto') return undefined
  if (privacy === 'ask') return agreed === true ? undefined : 'not asked'
  return privacy === 'local-only' ? 'chat is local-only' : 'chat is not known'
}

/** Plain HTTP only to this computer itself, where a cloud may run beside the app. */
const isProtected = (url: URL) =>
  url.protocol === 'https:' || (url.protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname))
