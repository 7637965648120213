/** Longer ones are cut or refused by browsers and mail programs anyway. */
const MAX_LINK = 8192

/**
 * The link as it may be given to the system, or undefined where it may not. Only web pages and mail: other schemes start programs with
 * what a model wrote. No name and password: they serve to make `https://bank.example@evil.example` look like the bank's.
 */
export function outsideLink(text: string): string | undefined {
  if (text.length > MAX_LINK || !URL.canParse(text)) return undefined
  const { protocol, username, password, href } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:' && protocol !== 'mailto:') return undefined
  return username || password ? undefined : href
}
