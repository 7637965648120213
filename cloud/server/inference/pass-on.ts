// A request of a program, passed on to model servers, and its answer passed back: here a closed connection is the cancel.
import type { StreamedRequest } from '@fusion/shared/contract/cloud/openai.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { FastifyReply } from 'fastify'
import type { Reservation } from '../budgets/budgets.ts'
import { onLeave } from '../http/on-leave.ts'
import { type MadeBefore, streamAnswer } from './answer.ts'
import { askServers, type Watch } from './ask-servers.ts'
import { refusedParameter } from './continuation.ts'
import { asFailure } from './model-server.ts'
import { type Models, ranks, type Wanted } from './models.ts'
import { createOpenReply } from './open-reply.ts'
import { prefixBlocks, readText } from './pool/prefix-blocks.ts'
import { prepareRequest, type Preparing } from './prepare-request.ts'
import type { Recorded } from './record.ts'
import { streamResponse } from './response-stream.ts'
import type { ChatChunk } from './server-chunk.ts'
import { answerKey, isDeterministic, shareAnswer } from './share-answer.ts'
import type { SharedAnswers } from './shared-answers.ts'
import { beginWaiting, type Patience } from './token-patience.ts'
import { createUsageCount } from './told-usage.ts'
import { wholeAnswer } from './whole-answer.ts'

export interface Passed extends Preparing {
  models: Models
  /** Of the API: the model servers have the same. */
  path: string
  body: StreamedRequest
  /** Whose turn it is, where servers are full: the person's, with whichever key. */
  who: string
  isPerson: boolean
  patience: Patience & { longestAnswerMs: number }
  reservation: Pick<Reservation, 'cover' | 'ends'>
  answers: SharedAnswers
  organisationId: string
  /** A whole answer is kept for so long, and one that was kept is taken; 0: neither. */
  keepMs: number
  reply: FastifyReply
  /** An error in OpenAI's shape, for one that comes when the answer has begun. */
  told: (error: unknown) => object
}

type Write = ReturnType<typeof createOpenReply>['write']

/** Of an answer that is told as a whole, where it broke off. */
const TRIES = 3
const brokeOff = new Set<string>(['answer-not-continued', 'model-server-lost'])

type Outcome = Pick<Recorded, 'usage' | 'server' | 'end' | 'retries' | 'source'>

/** Passes it on, and writes the whole reply. Throws, with nothing written, what a client is told by status; `onOutcome` is told in any case. */
export async function passOn(passed: Passed, onOutcome: (outcome: Outcome) => void): Promise<void> {
  const { models, path, body, who, isPerson, patience, reservation, answers, organisationId, keepMs, reply, told, ...preparing } = passed
  const asked = prepareRequest(path, body, preparing)
  // One for both: signals that follow others, and an error for each answer that went well, took more time than a key takes to be checked.
  const stop = new AbortController()
  const { signal } = stop
  let gone = false
  onLeave(reply.raw, () => {
    gone = true
    stop.abort()
  })
  const overBudget = () => stop.abort()
  reservation.ends?.addEventListener('abort', overBudget, { once: true })
  let tooLong = false
  const longest = setTimeout(() => {
    tooLong = true
    stop.abort()
  }, patience.longestAnswerMs)
  const wanted: Wanted = {
    model: body.model,
    who,
    rank: asked['service_tier'] === 'flex' ? ranks.batch : isPerson ? ranks.person : ranks.program,
    blocks: prefixBlocks(readText(asked), `${preparing.cacheSalt} ${body.model}`),
  }
  const count = createUsageCount()
  let server: string | null = null
  let retries = 0
  let source: NonNullable<Recorded['source']> = 'model'
  const watch: Watch = { onServer: label => void (server = label), onRetry: () => void (retries += 1) }
  const outcome = (end: Outcome['end']) => onOutcome({ usage: count.usage(), server, end, retries, source })
  const isChat = path === '/v1/chat/completions'
  /** One answer of text alone, which can be put together from its chunks. */
  const isText = path !== '/v1/responses' && refusedParameter({ ...asked, seed: undefined }) === undefined && hasOnePrompt(asked['prompt'])
  const wantsIds = asked['return_token_ids'] === true
  const open = body.stream === true ? createOpenReply(reply, signal) : undefined
  try {
    if (!open) await (isText ? passMade() : passWhole())
    else if (path === '/v1/responses') await passResponse(open.write)
    else await passChunks(open.write)
    open?.end()
    outcome('complete')
  } catch (error) {
    open?.stop()
    outcome(gone ? 'stopped' : 'failed')
    if (gone) {
      if (open) open.leave()
      else reply.hijack()
      return
    }
    const lost = asFailure(reservation.ends?.aborted ? reservation.ends.reason : tooLong ? failure('answer-too-long') : error)
    // By status while there is one to tell it by.
    if (!open?.isOpen()) throw lost
    open.end(`data: ${JSON.stringify(told(lost))}\n\n`)
  } finally {
    clearTimeout(longest)
    reservation.ends?.removeEventListener('abort', overBudget)
  }

  /** Of whoever makes it: a server, or a request for the very same. */
  function chunks(): AsyncGenerator<readonly ChatChunk[], void, void> {
    const to = isChat ? '/v1/chat/completions' : '/v1/completions'
    const make = (before?: MadeBefore) => streamAnswer({ models, path: to, wanted, body: () => asked, patience, watch, signal, before })
    if (!isDeterministic(asked)) return make()
    const of = { organisationId, key: answerKey(path, asked) }
    return shareAnswer({
      answers,
      of,
      model: body.model,
      keepMs,
      make,
      request: asked,
      signal,
      // The longest without a token that we grant to servers, one after the other.
      stalledMs: patience.nextTokenMs + patience.firstTokenMs,
      onSource(from) {
        source = from
        if (keepMs > 0 && !open?.isOpen()) void reply.raw.setHeader('x-fusion-cache', from === 'cache' ? 'hit' : 'miss')
      },
    })
  }

  async function passChunks(write: Write): Promise<void> {
    const wantsUsage = body.stream_options?.include_usage === true
    for await (const come of chunks()) {
      let text = ''
      for (const chunk of come) {
        seen(chunk)
        const { choices, usage } = chunk.raw
        // Always counted; whoever did not ask is not shown.
        if (usage && choices.length === 0 && !wantsUsage) continue
        text += `data: ${wantsIds ? written(chunk) : writtenWithoutIds(chunk)}\n\n`
      }
      const full = text === '' ? undefined : write(text)
      if (full) await full
    }
    await write('data: [DONE]\n\n')
  }

  async function passMade(): Promise<void> {
    async function* counted(): AsyncGenerator<readonly ChatChunk[], void, void> {
      for await (const come of chunks()) {
        for (const chunk of come) seen(chunk)
        yield come
      }
    }
    for (let tries = 1; ; tries++) {
      try {
        return await send(await wholeAnswer(counted(), { isChat, withIds: wantsIds }))
      } catch (error) {
        // Nothing of it was told, so what can't be gone on with is begun anew.
        if (tries === TRIES || !(error instanceof Failure) || !brokeOff.has(error.code)) throw error
      }
    }
  }

  async function send(answer: unknown): Promise<void> {
    void reply.header('cache-control', 'no-store').type('application/json; charset=utf-8')
    await reply.send(JSON.stringify(answer))
  }

  function seen({ promptIds, tokenIds, text, reasoning, usage }: ChatChunk): void {
    if (promptIds) count.prompt(promptIds.length)
    count.made(tokenIds?.length ?? (text !== '' || reasoning !== '' ? 1 : 0))
    if (usage) count.told(usage)
    const { promptTokens, completionTokens } = count.usage()
    reservation.cover(promptTokens + completionTokens)
  }

  async function passResponse(write: Write): Promise<void> {
    for await (const { data, name, usage, isDelta } of streamResponse({ models, wanted, body: asked, patience, watch, signal })) {
      count.made(isDelta ? 1 : 0)
      if (usage !== undefined) count.told(usage)
      // JSON may stand in several lines.
      await write(`${name === undefined ? '' : `event: ${name}\n`}data: ${data.replaceAll('\n', '\ndata: ')}\n\n`)
    }
  }

  async function passWhole(): Promise<void> {
    const answers = askServers<unknown>({
      models,
      wanted,
      signal,
      watch,
      ask: async function* ({ server: one, isWell }) {
        // Nothing comes of it before its end: a server that hangs is seen by what it makes for others.
        const waiting = beginWaiting(patience, signal, isWell)
        try {
          yield await one.whole(path, asked, waiting.until)
        } finally {
          waiting.end()
        }
      },
      isProgress: () => true,
    })
    for await (const answer of answers) {
      count.told((answer as { usage?: unknown } | null)?.usage)
      await send(answer)
    }
  }
}

/** Several prompts, or lists of tokens, have several answers. */
const hasOnePrompt = (prompt: unknown): boolean => !Array.isArray(prompt) || prompt.every(one => typeof one === 'number')

/** JSON of the chunk, whole. What the server sent in one line goes on as it came: writing it anew takes as long as reading it. */
const written = ({ data, raw }: ChatChunk): string => (data === undefined || data.includes('\n') ? JSON.stringify(raw) : data)

const IDS = /,\s?"(?:prompt_)?token_ids":\s?(?:null|\[[\d,\s]*\])/g

/** JSON of the chunk as the client would have it from a server that was not asked for token ids. */
function writtenWithoutIds(chunk: ChatChunk): string {
  // A quotation mark within a text has a backslash before it, so what begins with a comma and one is a member.
  const cut = written(chunk).replaceAll(IDS, '')
  if (!cut.includes('token_ids"')) return cut
  const { prompt_token_ids: _, choices, ...rest } = chunk.raw
  return JSON.stringify({ ...rest, choices: choices.map(({ token_ids: __, prompt_token_ids: ___, ...choice }) => choice) })
}
