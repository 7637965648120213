import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { dashboardRoutes } from '@fusion/shared/contract/cloud/dashboard.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { serve } from '../http/serve-route.ts'

/** Where the built dashboard lies. */
const folder = join(import.meta.dirname, '../../../out/dashboard')

const types: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** All of it from here, and nothing from anywhere else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The dashboard's page and its files. */
export async function dashboard(app: FastifyInstance): Promise<void> {
  async function sendPage(reply: FastifyReply): Promise<string> {
    // Not built: a part of the cloud is missing, and the address is right.
    const page = await readFile(join(folder, 'index.html'), 'utf8').catch(() => {
      throw failure('cloud-part-missing')
    })
    reply.header('content-security-policy', POLICY)
    return page
  }

  serve(app, dashboardRoutes.bare, async ({ reply }) => reply.type('text/html').code(303).header('location', '/admin/').send(''))
  serve(app, dashboardRoutes.page, ({ reply }) => sendPage(reply))
  serve(app, dashboardRoutes.callback, ({ reply }) => sendPage(reply))
  serve(app, dashboardRoutes.asset, async ({ params, reply }) => {
    const type = types[extname(params.file)]
    // Only a name that is listed is ever a path.
    const listed = await readdir(join(folder, 'assets')).catch((): string[] => [])
    if (!type || !listed.includes(params.file)) throw failure('not-found')
    // Its name holds a hash of what it holds.
    return reply
      .type(type)
      .header('cache-control', 'public, max-age=31536000, immutable')
      .send(await readFile(join(folder, 'assets', params.file)))
  })
}
