// What a person typed into the lists of who may use the local API: in the form in which browsers and programs say it, or what is wrong.

export type Read = { value: string } | { problem: string }

/** The page's own origin, as its browser sends it: `http://localhost:3000`. A path is left away. */
export function readOrigin(typed: string): Read {
  const url = URL.parse(typed.trim())
  const written = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@*\s]+(?:[/?#]|$)/i.test(typed.trim())
  if (!url || url.host === '' || !written) return { problem: 'Write the whole address of the page, such as http://localhost:3000.' }
  // An extension of a browser has an origin too, which the URL standard leaves unsaid: `chrome-extension://…`.
  const origin = url.origin === 'null' ? `${url.protocol}//${url.host}` : url.origin
  return origin.length > 200 ? { problem: 'This address is too long.' } : { value: origin }
}

const ownNames = ['127.0.0.1', 'localhost']

/** A name alone: `host.docker.internal`. What stands around it in an address is left away. */
export function readHost(typed: string): Read {
  const name = typed
    .trim()
    .replace(/^https?:\/\//i, '')
    .replace(/[/?#].*$/, '')
    .replace(/:\d+$/, '')
    .toLowerCase()
  if (!/^[a-z0-9.-]+$/.test(name) || name.length > 253) return { problem: 'Write a name alone, such as host.docker.internal.' }
  return ownNames.includes(name) ? { problem: 'By this name it may always be called.' } : { value: name }
}
