import { createHash } from 'node:crypto'
import { chatRoutes, type ChatRequest, seqOf } from '@fusion/shared/contract/cloud/chat.ts'
import { historyRoutes } from '@fusion/shared/contract/cloud/history.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { learnedAs } from '../budgets/budgets.ts'
import type { Caller } from '../caller.ts'
import { present } from '../history/write.ts'
import { mayCall, serve } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'
import { BLOCK_CHARACTERS, prefixBlocks } from '../inference/pool/prefix-blocks.ts'
import { messagesOf, plannedPrompt } from './counted-prompt.ts'
import { historyPrompt } from './history-prompt.ts'
import type { AnswerRequest } from './make-answer.ts'
import { sendEvents } from './send-events.ts'
import { serveSocket } from './socket.ts'

/** Answers of models: asked for, followed, resumed, cancelled. */
export async function chat(
  app: FastifyInstance,
  { generations, database, objects, models, policies, budgets, guess, auto }: Parts,
): Promise<void> {
  await serveSocket(app, { generations, planned })
  generations.planWith(planned)

  async function planned(caller: Caller, request: ChatRequest): Promise<AnswerRequest> {
    const routed = await auto.forChat(caller, request)
    // Half a character would be refused by Postgres, as a part of an event.
    const model = routed.model.toWellFormed()
    const { systemPrompt: organisation, maskingRequired } = await policies.admit(caller, model)
    const { prompt, sampling = {} } = request
    // A server that has read this chat is found by what is sent; one that we plan ourselves, by its conversation.
    const messages = prompt && messagesOf(prompt, organisation)
    const read = prompt ? JSON.stringify(messages) : request.conversation.repeat(BLOCK_CHARACTERS)
    const blocks = prefixBlocks(prompt ? read : read.slice(0, BLOCK_CHARACTERS), `${caller.userId} ${model}`)
    const answer = { ...routed, generation: request.answer, model, cacheSalt: caller.userId, who: caller.userId, blocks }
    // Of this very request: what it has reserved is not that of another one under the same id, nor of somebody else's. Whoever takes it over names it alike.
    const requestId = createHash('sha256')
      .update(JSON.stringify([caller.userId, { ...request, model }]))
      .digest('base64url')
    const reserve = (text: string, completionTokens: number | undefined) =>
      budgets.reserve(caller, {
        requestId,
        model,
        text,
        completionTokens: completionTokens ?? null,
        answers: 1,
        streams: true,
        windowTokens: models.windowOf(model) ?? 1,
      })
    if (prompt && messages) {
      const text = messages.map(({ content }) => content).join('\n')
      const reservation = await reserve(text, sampling.maxTokens)
      const onCount = (tokens: number) => guess.learnFrom(learnedAs(caller, model), text, tokens)
      return { ...answer, prompt: plannedPrompt({ model, prompt, systemPrompt: organisation, onCount }), sampling, reservation }
    }

    if (maskingRequired) throw failure('masking-required')
    // Who asks so has history read and written.
    if (mayCall(historyRoutes.addMessage.access, caller) !== 'yes') throw failure('not-allowed')
    const { userId } = caller
    const { settings } = await database.readAsUser(userId, tx => present(tx, userId, request.conversation))
    const chosen = { ...settings.sampling, ...sampling }
    const question = {
      userId,
      conversationId: request.conversation,
      questionId: request.question.id,
      model,
      systemPrompts: { organisation, conversation: settings.systemPrompt },
      maxAnswerTokens: chosen.maxTokens,
    }
    // How long the path is, is known when it was counted.
    const reservation = await reserve(request.question.text ?? '', chosen.maxTokens)
    return { ...answer, prompt: historyPrompt({ database, objects, models }, question), sampling: chosen, reservation }
  }

  async function stream(reply: FastifyReply, caller: Caller, generation: string, after: number): Promise<void> {
    const leave = new AbortController()
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
    // At once, so that the client knows that its request was taken, however long the first event takes.
    reply.raw.flushHeaders()
    await sendEvents(reply.raw, {
      generation,
      batches: generations.follow(caller, generation, after, leave.signal),
      drained: () => generations.isDraining() && !leave.signal.aborted,
      leave,
    })
  }

  /** What `Last-Event-ID` says of this generation; 0 where it says nothing. */
  function lastSeen(header: string | string[] | undefined, generation: string): number {
    return typeof header === 'string' ? (seqOf(generation, header) ?? 0) : 0
  }

  serve(app, chatRoutes.chat, async ({ body, caller, request, reply }) => {
    await generations.begin(caller, body, () => planned(caller, body))
    await stream(reply, caller, body.answer, lastSeen(request.headers['last-event-id'], body.answer))
  })

  serve(app, chatRoutes.generation, ({ params, caller }) => generations.state(caller, params.generation))

  serve(app, chatRoutes.generationEvents, async ({ params, caller, request, reply }) => {
    await generations.state(caller, params.generation)
    await stream(reply, caller, params.generation, lastSeen(request.headers['last-event-id'], params.generation))
  })

  serve(app, chatRoutes.cancelGeneration, ({ params, caller }) => generations.cancel(caller, params.generation))
}
