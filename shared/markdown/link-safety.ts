const SAFE_SCHEMES = new Set(['http:', 'https:', 'mailto:'])

/** Characters that turn text around or cannot be seen: they can make an address read as another one. */
const DECEIVING = /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu

/** The address of a link that may be followed, as the browser would read it; null for any other scheme and for relative ones. */
export function safeHref(address: string): string | null {
  const trimmed = address.replace(DECEIVING, '')
  if (!/^[a-z][a-z0-9+.-]*:/i.test(trimmed)) return null
  let url: URL
  try {
    url = new URL(trimmed)
  } catch {
    return null
  }
  return SAFE_SCHEMES.has(url.protocol) ? url.href : null
}

/** What a link's words may show: without characters that deceive the eye. */
export function honestText(text: string): string {
  return text.replace(DECEIVING, '')
}

/** The host, or the mail address, to show where a link's words claim to be another address. */
export function placeOf(href: string): string {
  const url = new URL(href)
  return url.protocol === 'mailto:' ? decodeURIComponent(url.pathname) : url.host
}

/** True where the words of a link look like an address of another place than the one it leads to. */
export function misleads(words: string, href: string): boolean {
  const claimed = /^\s*(?:[a-z]+:\/\/)?((?:[\w-]+\.)+[a-z]{2,})(?:[/:?#]|\s*$)/i.exec(words)?.[1]
  if (!claimed) return false
  const bare = (host: string) =>
    host
      .toLowerCase()
      .replace(/^www\./, '')
      .replace(/:\d+$/, '')
  return bare(claimed) !== bare(placeOf(href))
}
