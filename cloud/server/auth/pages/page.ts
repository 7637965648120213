// Pages that the server makes itself: they need no script, load nothing, and can't be framed.
import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { html, Html } from './html.ts'
import { style } from './style.ts'

const styleHash = createHash('sha256').update(style).digest('base64')
const styleElement = new Html(`<style>${style}</style>`)

export interface Page {
  title: string
  body: Html
  status?: number
  /** Where a form of the page may lead besides this server: the browser looks at the redirect, too. */
  leadsTo?: string
}

export function sendPage(reply: FastifyReply, { title, body, status = 200, leadsTo }: Page): FastifyReply {
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    `form-action 'self'${leadsTo ? ` ${new URL(leadsTo).origin}` : ''}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ]
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        ${styleElement}
      </head>
      <body>
        <main>
          <p class="brand"><i class="mark" aria-hidden="true"></i>Fusion</p>
          ${body}
        </main>
      </body>
    </html>`
  return (
    reply
      .code(status)
      .header('content-type', 'text/html; charset=utf-8')
      .header('content-security-policy', policy.join('; '))
      // Not "no-referrer": browsers then hide from the server that its own form was sent by its own page.
      .header('referrer-policy', 'same-origin')
      .send(page.text)
  )
}
