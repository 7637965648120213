// A request of a program, passed on to model servers, and its answer passed back: here a closed connection is the cancel.
import type { StreamedRequest } from '@fusion/shared/contract/cloud/openai.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { FastifyReply } from 'fastify'
import type { Reservation } from '../budgets/budgets.ts'
import { streamAnswer } from './answer.ts'
import { askServers, type Watch } from './ask-servers.ts'
import { asFailure } from './model-server.ts'
import { type Models, ranks, type Wanted } from './models.ts'
import { createOpenReply } from './open-reply.ts'
import { prefixBlocks, readText } from './pool/prefix-blocks.ts'
import { prepareRequest, type Preparing } from './prepare-request.ts'
import type { Recorded } from './record.ts'
import { streamResponse } from './response-stream.ts'
import type { ChatChunk } from './server-chunk.ts'
import type { Patience } from './token-patience.ts'
import { createUsageCount } from './told-usage.ts'

export interface Passed extends Preparing {
  models: Models
  /** Of the API: the model servers have the same. */
  path: string
  body: StreamedRequest
  /** Whose turn it is, where servers are full: a person's, or a key's. */
  who: string
  isPerson: boolean
  patience: Patience & { longestAnswerMs: number }
  reservation: Pick<Reservation, 'cover' | 'ends'>
  reply: FastifyReply
  /** An error in OpenAI's shape, for one that comes when the answer has begun. */
  told: (error: unknown) => object
}

type Outcome = Pick<Recorded, 'usage' | 'server' | 'end' | 'retries'>

/** Passes it on, and writes the whole reply. Throws, with nothing written, what a client is told by status; `onOutcome` is told in any case. */
export async function passOn(passed: Passed, onOutcome: (outcome: Outcome) => void): Promise<void> {
  const { models, path, body, who, isPerson, patience, reservation, reply, told, ...preparing } = passed
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  const tooLong = AbortSignal.timeout(patience.longestAnswerMs)
  const signal = AbortSignal.any([gone.signal, tooLong, reservation.ends])
  const asked = prepareRequest(path, body, preparing)
  const wanted: Wanted = {
    model: body.model,
    who,
    rank: asked['service_tier'] === 'flex' ? ranks.batch : isPerson ? ranks.person : ranks.program,
    blocks: prefixBlocks(readText(asked), `${preparing.cacheSalt} ${body.model}`),
  }
  const count = createUsageCount()
  let server: string | null = null
  let retries = 0
  const watch: Watch = { onServer: label => void (server = label), onRetry: () => void (retries += 1) }
  const outcome = (end: Outcome['end']) => onOutcome({ usage: count.usage(), server, end, retries })
  const open = body.stream === true ? createOpenReply(reply, gone.signal) : undefined
  try {
    if (!open) await passWhole()
    else if (path === '/v1/responses') await passResponse(open.write)
    else await passChunks(open.write)
    open?.end()
    outcome('complete')
  } catch (error) {
    open?.stop()
    outcome(gone.signal.aborted ? 'stopped' : 'failed')
    if (gone.signal.aborted) {
      if (open) open.leave()
      else reply.hijack()
      return
    }
    const lost = asFailure(reservation.ends.aborted ? reservation.ends.reason : tooLong.aborted ? failure('answer-too-long') : error)
    // By status while there is one to tell it by.
    if (!open?.isOpen()) throw lost
    open.end(`data: ${JSON.stringify(told(lost))}\n\n`)
  }

  async function passChunks(write: (text: string) => Promise<void>): Promise<void> {
    const wantsUsage = body.stream_options?.include_usage === true
    const wantsIds = asked['return_token_ids'] === true
    const to = path === '/v1/chat/completions' ? path : '/v1/completions'
    for await (const chunk of streamAnswer({ models, path: to, wanted, body: () => asked, patience, watch, signal })) {
      seen(chunk)
      const { choices, usage } = chunk.raw
      // Always counted; whoever did not ask is not shown.
      if (usage && choices.length === 0 && !wantsUsage) continue
      await write(`data: ${JSON.stringify(wantsIds ? chunk.raw : withoutIds(chunk))}\n\n`)
    }
    await write('data: [DONE]\n\n')
  }

  function seen({ promptIds, tokenIds, text, reasoning, usage }: ChatChunk): void {
    if (promptIds) count.prompt(promptIds.length)
    count.made(tokenIds?.length ?? (text !== '' || reasoning !== '' ? 1 : 0))
    if (usage) count.told(usage)
    const { promptTokens, completionTokens } = count.usage()
    reservation.cover(promptTokens + completionTokens)
  }

  async function passResponse(write: (text: string) => Promise<void>): Promise<void> {
    for await (const { data, name, usage, isDelta } of streamResponse({ models, wanted, body: asked, patience, watch, signal })) {
      count.made(isDelta ? 1 : 0)
      if (usage !== undefined) count.told(usage)
      await write(`${name === undefined ? '' : `event: ${name}\n`}data: ${data}\n\n`)
    }
  }

  async function passWhole(): Promise<void> {
    const answers = askServers<unknown>({
      models,
      wanted,
      signal,
      watch,
      ask: async function* ({ server: one }) {
        yield await one.whole(path, asked, signal)
      },
      isProgress: () => true,
    })
    for await (const answer of answers) {
      count.told((answer as { usage?: unknown } | null)?.usage)
      void reply.header('cache-control', 'no-store').type('application/json; charset=utf-8')
      await reply.send(JSON.stringify(answer))
    }
  }
}

/** The chunk as the client would have it from a server that was not asked for token ids. */
function withoutIds({ raw }: ChatChunk): object {
  const { prompt_token_ids: _, ...rest } = raw
  return {
    ...rest,
    choices: raw.choices.map(({ token_ids: _ids, prompt_token_ids: _prompt, ...choice }) => choice),
  }
}
