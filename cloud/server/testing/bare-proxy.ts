// The floor of the bench `gateway`: a proxy as anybody would begin, which passes bytes on. No keys, no limits, no ledger, no log.
// node bare-proxy.ts MODEL_SERVER_URL
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { Pool } from 'undici'

const pool = new Pool(process.argv[2]!, { connections: null, headersTimeout: 0, bodyTimeout: 0 })
const app = Fastify()
app.removeAllContentTypeParsers()
app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

app.post<{ Body: Buffer }>('/v1/chat/completions', async (request, reply) => {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  const { statusCode, headers, body } = await pool.request({
    method: 'POST',
    path: request.url,
    headers: { 'content-type': 'application/json' },
    body: request.body,
    signal: gone.signal,
  })
  return reply.code(statusCode).type(String(headers['content-type'])).send(body)
})

await app.listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`Ready at http://127.0.0.1:${(app.server.address() as AddressInfo).port}\n`)
