// What a browser does with the pages of the cloud: it keeps their cookies, sends their forms, and does not follow where it is sent.

export interface Browser {
  open(path: string): Promise<Shown>
  /** As when a page of another site leads here: strict cookies stay behind. */
  openFromElsewhere(path: string): Promise<Shown>
  /** Sends the first form of a page (or the one that goes to `action`) with these fields besides its hidden ones. */
  send(page: Shown, fields: Record<string, string>, action?: string): Promise<Shown>
}

export interface Shown {
  status: number
  text: string
  headers: Headers
  /** Where the browser is sent on to; null where a page came. */
  location: URL | null
}

export function startBrowser(url: string): Browser {
  const cookies = new Map<string, { pair: string; strict: boolean }>()

  async function ask(path: string, options: RequestInit = {}, { ours = true } = {}): Promise<Shown> {
    const sent = [...cookies.values()].filter(({ strict }) => ours || !strict)
    const cookie = sent.map(({ pair }) => pair).join('; ')
    const response = await fetch(new URL(path, url), { ...options, redirect: 'manual', headers: { cookie } })
    for (const set of response.headers.getSetCookie()) {
      const pair = set.split(';')[0]!
      cookies.set(pair.split('=')[0]!, { pair, strict: set.includes('SameSite=Strict') })
    }
    const location = response.headers.get('location')
    return {
      status: response.status,
      text: await response.text(),
      headers: response.headers,
      location: location ? new URL(location, url) : null,
    }
  }

  return {
    open: path => ask(path),
    openFromElsewhere: path => ask(path, {}, { ours: false }),
    send(page, fields, action = formsIn(page.text)[0]?.action ?? '') {
      const form = formsIn(page.text).find(one => one.action === action)
      if (!form) throw new Error(`the page has no form for ${action}`)
      return ask(action, { method: 'POST', body: new URLSearchParams({ ...form.hidden, ...fields }) })
    },
  }
}

function formsIn(text: string): { action: string; hidden: Record<string, string> }[] {
  return [...text.matchAll(/<form[^>]* action="([^"]+)"[^>]*>(.*?)<\/form>/gs)].map(([, action = '', inside = '']) => ({
    action,
    hidden: Object.fromEntries(
      [...inside.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
        name,
        unescaped(value),
      ]),
    ),
  }))
}

const unescaped = (text: string) => text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
