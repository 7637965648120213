import { sentence } from '@fusion/shared/contract/failures.ts'
import { placeOf } from '@fusion/shared/markdown/link-safety.ts'
import { createContext, useContext, useId } from 'react'
import { type AskedImage, askForImage, type EngineLink, forgetImage, imageKey, notDrawn, useImages } from '../../state/images.ts'
import { useReplica } from '../../state/replica.ts'

/** The message in which Markdown stands, and the way to the engine that asks for its images. Without them none can be asked for. */
export const ImagesOf = createContext<{ conversationId: string; messageId: string; link: EngineLink } | null>(null)

interface RemoteImageProps {
  written: string
  /** The same as it will be asked for. */
  address: string
  words: string
}

/**
 * An image that lies elsewhere. Its address can carry words of the chat away, so nothing is asked for until the person presses the button,
 * beside which stands who will be asked and what they learn by it. The engine asks; the page itself may not, by its policy.
 */
export function RemoteImage({ written, address, words }: RemoteImageProps) {
  const of = useContext(ImagesOf)
  const image = of && { conversationId: of.conversationId, messageId: of.messageId, written }
  const asked = useImages(images => (image ? images[imageKey(image)] : undefined))
  const localOnly = useReplica(({ open }) => open?.conversation?.privacy === 'local-only')
  const noteId = useId()
  const host = placeOf(address)
  const link = (text: string) => (
    <a href={address} title={address} target="_blank" rel="noopener noreferrer nofollow">
      {text}
    </a>
  )
  const mayAsk = image !== null && !localOnly
  const name = words || `from ${host}`
  return (
    <span className={asked?.at === 'shown' ? 'image' : 'image not-shown'}>
      {asked?.at === 'shown' ? (
        <img
          src={asked.src}
          width={asked.facts.width}
          height={asked.facts.height}
          alt={words || `Image from ${host}`}
          decoding="async"
          onError={() => image && notDrawn(image)}
        />
      ) : (
        <span className="what">
          Image{words && `: ${words}`}
          <span className="address">{link(address.length > 200 ? `${address.slice(0, 200)}…` : address)}</span>
        </span>
      )}
      {of && image && (mayAsk || asked) && (
        <button
          type="button"
          className={asked?.at === 'shown' ? 'quiet' : 'button small'}
          aria-label={`${verbs[asked?.at ?? 'not-asked']}: ${name}`}
          aria-describedby={noteId}
          onClick={() => (asked?.at === 'asking' || asked?.at === 'shown' ? forgetImage(image) : askForImage(of.link, image))}
        >
          {verbs[asked?.at ?? 'not-asked']}
        </button>
      )}
      <small id={noteId} role={asked && 'status'}>
        {asked?.at === 'shown' ? <>From {link(host)}</> : noteFor(asked, address, mayAsk, localOnly)}
      </small>
    </span>
  )
}

/** One button in all states, so that it keeps the focus. */
const verbs = { 'not-asked': 'Show image', asking: 'Stop', failed: 'Try again', shown: 'Hide image' }

function noteFor(asked: Exclude<AskedImage, { at: 'shown' }> | undefined, address: string, mayAsk: boolean, localOnly: boolean): string {
  const host = placeOf(address)
  if (asked?.at === 'asking') return `Asking ${host}…`
  if (asked?.at === 'failed') {
    const { what, next } = sentence(asked.failure)
    return `${what} ${next}`
  }
  if (localOnly) return 'This chat is for this computer only, so Fusion asks nobody for it. You can open the address in your browser.'
  if (!mayAsk) return 'Fusion does not load images here. You can open the address in your browser.'
  const open = address.startsWith('http:') ? ' The way there is not encrypted.' : ''
  return `Fusion will ask ${host}. It, and any host it sends Fusion on to, learns the address above and that of your computer. No cookies or referrer are sent.${open}`
}
