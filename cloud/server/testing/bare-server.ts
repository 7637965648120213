// The floor of the bench `cloud`: bare routes that read and write messages, as anybody would begin. No sign-in, no limits, no schemas, no log.
// node bare-server.ts DATABASE_URL
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { type BareMessage, openBareQueries } from '../../database/testing/bare-queries.ts'

const queries = openBareQueries(process.argv[2]!)
const app = Fastify()

app.get<{ Params: { user: string; id: string } }>('/users/:user/conversations/:id/messages', async ({ params }) => {
  const rows = await queries.newestMessages(params.user, params.id, 51)
  return { messages: rows.slice(0, 50).map(({ body, ...message }) => ({ ...message, ...body })), next: rows.length > 50 }
})

app.post<{ Params: { user: string; id: string }; Body: { id: string; parentId: string | null; role: string; parts: unknown[] } }>(
  '/users/:user/conversations/:id/messages',
  async ({ params, body: { id, parentId, role, parts } }) => {
    const body = { parts, segments: [], finishReason: null, failure: null, leftOut: null }
    const message: BareMessage = { id, conversationId: params.id, parentId, role, status: 'complete', body, createdAt: Date.now() }
    return { id, version: await queries.writeMessage(params.user, message) }
  },
)

await app.listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`Ready at http://127.0.0.1:${(app.server.address() as AddressInfo).port}\n`)
