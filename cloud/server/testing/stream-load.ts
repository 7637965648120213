// Who asks in the bench `gateway`, in a process of its own: streamed completions, so many at once. `POST /` with a `LoadOrder` is answered with a `LoadResult`.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Dispatcher, Pool } from 'undici'
import { promptTokens, questionOf, readAnswer, type Told } from '../../testing/told-answer.ts'

export interface LoadOrder {
  origin: string
  key: string
  streams: number
  shape: Pick<Told, 'tokens' | 'firstMs' | 'betweenMs'>
  /** Asks for so long, after a beginning that does not count. */
  warmMs?: number
  forMs?: number
  /** Or so many requests. */
  requests?: number
  /** The share of requests that are left before their end: half of them while the model server computes, half at any moment. */
  leftShare?: number
}

export interface LoadResult {
  /** Of the requests that ended within the time: from asking to the first text, without the time that the model server itself took; ms. */
  firstMs: number[]
  /** Requests that ended within the time, in a second. */
  perSecond: number
  /** All that were asked, those before and after included. */
  requests: number
  /** What came of those that were left. */
  left: { held: Left; torn: Left }
}

/** Requests that were left, and tokens that had come by then. */
interface Left {
  requests: number
  completionTokens: number
}

interface Chunk {
  choices?: { delta?: { content?: string | null } }[]
  usage?: { prompt_tokens: number; completion_tokens: number } | null
  error?: unknown
}

let number = 0

interface Leaving {
  model: 'held' | 'torn'
  /** After so many tokens; or after so long. */
  atToken: number
  afterMs?: number
}

/** Resolves with the tokens that came: all of them, or those until it was left. Throws for an answer that is not the one asked for. */
function ask(pool: Pool, { key, shape }: LoadOrder, leaving?: Leaving): Promise<{ firstMs: number; tokens: number }> {
  const told: Told = { ...shape, number: ++number, heldAt: leaving?.model === 'held' ? leaving.atToken : undefined }
  const question = questionOf(told)
  const body = JSON.stringify({
    model: leaving?.model ?? 'whole',
    messages: [{ role: 'user', content: question }],
    max_tokens: told.tokens,
    stream: true,
    stream_options: { include_usage: true },
  })
  return new Promise((resolve, reject) => {
    const decoder = new TextDecoder()
    const startedAt = performance.now()
    let controller: Dispatcher.DispatchController | undefined
    let timer: NodeJS.Timeout | undefined
    let status = 0
    let rest = ''
    let text = ''
    let tokens = 0
    let firstAt = 0
    let usage: Chunk['usage']
    let ended = false
    let left = false

    function leave(): void {
      left = true
      clearTimeout(timer)
      controller?.abort(new Error('left'))
    }
    function read(line: string): void {
      if (line === 'data: [DONE]') ended = true
      if (!line.startsWith('data: {')) return
      const chunk = JSON.parse(line.slice(6)) as Chunk
      const said = chunk.choices?.[0]?.delta?.content
      if (said) {
        if (firstAt === 0) firstAt = performance.now()
        text += said
        tokens++
      }
      usage = chunk.usage ?? usage
    }
    function finish(): void {
      clearTimeout(timer)
      // One that was over before it was to be left counts as left: nobody knows it of a stream.
      if (left || leaving) return resolve({ firstMs: Number.NaN, tokens })
      if (status !== 200 || !ended) throw new Error(`An answer ended with ${status}: ${rest}${text}`)
      const computedUs = readAnswer(text, told)
      if (usage?.completion_tokens !== told.tokens || usage.prompt_tokens !== promptTokens(question))
        throw new Error(`The usage is another: ${JSON.stringify(usage)}`)
      resolve({ firstMs: firstAt - startedAt - computedUs / 1000, tokens })
    }

    const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
    pool.dispatch(
      { method: 'POST', path: '/v1/chat/completions', headers, body },
      {
        onRequestStart(started) {
          controller = started
          if (left) leave()
        },
        onResponseStart(_controller, code) {
          status = code
        },
        onResponseData(_controller, bytes) {
          const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
          rest = lines.pop()!
          for (const line of lines) read(line)
          if (leaving && !left && leaving.afterMs === undefined && tokens >= leaving.atToken) leave()
        },
        onResponseEnd() {
          try {
            finish()
          } catch (error) {
            reject(error)
          }
        },
        onResponseError(_controller, error) {
          clearTimeout(timer)
          if (left) resolve({ firstMs: Number.NaN, tokens })
          else reject(error)
        },
      },
    )
    if (leaving?.afterMs !== undefined) timer = setTimeout(leave, leaving.afterMs)
  })
}

/** How the next request is left; undefined: not at all. */
function nextLeaving({ leftShare = 0, shape }: LoadOrder): Leaving | undefined {
  if (Math.random() >= leftShare) return undefined
  const atToken = Math.floor(Math.random() * shape.tokens)
  const longestMs = shape.firstMs + shape.tokens * shape.betweenMs
  if (Math.random() < 0.5) return { model: 'torn', atToken, afterMs: Math.random() * longestMs }
  // Before the first token nothing comes that could be waited for.
  return { model: 'held', atToken, ...(atToken === 0 && { afterMs: Math.random() * longestMs }) }
}

async function load(order: LoadOrder): Promise<LoadResult> {
  const { origin, streams, shape, warmMs = 0, forMs = Infinity, requests: most = Infinity } = order
  const pool = new Pool(origin, { connections: streams, headersTimeout: 0, bodyTimeout: 0 })
  const from = performance.now() + warmMs
  const until = from + forMs
  const result: LoadResult = {
    firstMs: [],
    perSecond: 0,
    requests: 0,
    left: { held: { requests: 0, completionTokens: 0 }, torn: { requests: 0, completionTokens: 0 } },
  }

  let ended = 0
  async function stream(index: number): Promise<void> {
    // Not all in step: a model server's clients are not.
    if (warmMs > 0) await sleep((index / streams) * Math.min(warmMs, shape.firstMs + shape.tokens * shape.betweenMs))
    while (performance.now() < until && result.requests < most) {
      result.requests++
      const startedAt = performance.now()
      const leaving = nextLeaving(order)
      const { firstMs, tokens } = await ask(pool, order, leaving)
      const now = performance.now()
      if (now >= from && now <= until) ended++
      if (leaving) {
        result.left[leaving.model].requests++
        result.left[leaving.model].completionTokens += tokens
      } else if (startedAt >= from && now <= until) result.firstMs.push(firstMs)
    }
  }
  await Promise.all(Array.from({ length: streams }, (_, index) => stream(index)))
  result.perSecond = (ended * 1000) / forMs
  await pool.destroy()
  return result
}

const server = createServer((request, response) => {
  const answer = async () => {
    let text = ''
    for await (const data of request.setEncoding('utf8')) text += data
    return load(JSON.parse(text) as LoadOrder)
  }
  answer().then(
    result => response.end(JSON.stringify(result)),
    (error: unknown) => response.writeHead(500).end(String(error)),
  )
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
process.stdout.write(`Ready at http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
