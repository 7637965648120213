import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { contentTypeOf } from '@fusion/shared/contract/page-files.ts'

/** Answers GET and HEAD with a file of the built page in `folder`, or 404. Names under /assets carry a hash of their content, so they never change. */
export async function sendPage(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = fileOf(folder, request.url ?? '/')
  const file = path ? await stat(path).catch(() => undefined) : undefined
  if (!path || !file?.isFile()) return void response.writeHead(404).end()
  response.writeHead(200, {
    'content-type': contentTypeOf(path),
    'content-length': file.size,
    'cache-control': path.startsWith(join(folder, 'assets') + sep) ? 'public, max-age=31536000, immutable' : 'no-cache',
  })
  if (request.method === 'HEAD') return void response.end()
  // A browser that goes away in the middle is no fault of anybody.
  await pipeline(createReadStream(path), response).catch(() => {})
}

/** The file that a URL names, or undefined where the name is broken or leads out of the folder. */
function fileOf(folder: string, url: string): string | undefined {
  let name: string
  try {
    name = decodeURIComponent(url.replace(/[?#].*$/, ''))
  } catch {
    return undefined
  }
  if (name.includes('\0')) return undefined
  const path = join(folder, name === '/' ? 'index.html' : name)
  return path.startsWith(folder + sep) ? path : undefined
}
