import { readFile, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { contentTypeOf, safetyHeaders } from '@fusion/shared/contract/page-files.ts'
import { PAGE_HOST, PAGE_SCHEME } from '@fusion/shared/contract/shell.ts'
import type { Electron } from './electron.ts'

/** Makes app:// a scheme with an origin of its own, as https has. Call before the app is ready. */
export function registerPageScheme({ protocol }: Pick<Electron, 'protocol'>): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: PAGE_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ])
}

/** Serves the built page in `folder` at app://fusion/. */
export function servePage({ protocol }: Pick<Electron, 'protocol'>, folder: string): void {
  protocol.handle(PAGE_SCHEME, request => answerPage(folder, request))
}

/** A file of `folder` with the headers of safety, or an empty answer that says why not. */
export async function answerPage(folder: string, { method, url }: Pick<Request, 'method' | 'url'>): Promise<Response> {
  if (method !== 'GET' && method !== 'HEAD') return new Response(null, { status: 405, headers: safetyHeaders })
  const path = fileOf(folder, url)
  const file = path ? await stat(path).catch(() => undefined) : undefined
  if (!path || !file?.isFile()) return new Response(null, { status: 404, headers: safetyHeaders })
  const body = method === 'HEAD' ? null : await readFile(path)
  return new Response(body, { headers: { ...safetyHeaders, 'content-type': contentTypeOf(path), 'cache-control': 'no-cache' } })
}

/** The file that a URL names, or undefined where it names another host, is broken, or leads out of the folder. */
function fileOf(folder: string, url: string): string | undefined {
  let name: string
  try {
    const { host, pathname } = new URL(url)
    if (host !== PAGE_HOST) return undefined
    name = decodeURIComponent(pathname)
  } catch {
    return undefined
  }
  const path = join(folder, name === '/' || name === '' ? 'index.html' : name)
  return path.startsWith(folder + sep) ? path : undefined
}
