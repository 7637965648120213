import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { InferenceContract } from '@fusion/shared/contract/inference.ts'
import { createMailbox } from '@fusion/shared/rpc/mailbox.ts'
import type { Handlers } from '@fusion/shared/rpc/contract.ts'
import { generate } from './answer.ts'
import { BATCH_TOKENS, loadLlama, type LoadedLlama } from './llama.ts'
import { createScheduler, type Scheduler } from './scheduler.ts'

interface Ready {
  llama: LoadedLlama
  scheduler: Scheduler
}

/** Answers the engine's calls: one model at most, loaded once. */
export function createHandlers(): Handlers<InferenceContract> {
  let ready: Ready | undefined
  let loading = false

  function model(): Ready {
    if (!ready) throw failure('model-missing')
    return ready
  }

  type Loading = { type: 'load-progress'; fraction: number } | { type: 'model-loaded'; loaded: LoadedLlama['loaded'] }

  return {
    model: {
      inspect: async () => {
        throw failure('model-corrupt')
      },
      hash: () => {
        throw failure('model-corrupt')
      },
      async *load(input, signal) {
        if (loading || ready) throw failure('model-load-failed')
        loading = true
        const events = createMailbox<Loading>({
          signal,
          merge: (last, next) => (last.type === 'load-progress' && next.type === 'load-progress' ? next : undefined),
        })
        const done = loadLlama(input, fraction => events.push({ type: 'load-progress', fraction }), signal).then(llama => {
          const { sequences, contextTokens } = llama.loaded
          ready = { llama, scheduler: createScheduler({ context: llama.context, sequences, contextTokens, batchTokens: BATCH_TOKENS }) }
          events.push({ type: 'model-loaded', loaded: llama.loaded })
        })
        done.then(events.end, events.end)
        try {
          yield* events
          signal.throwIfAborted()
          await done
        } finally {
          loading = false
          done.catch(() => {})
        }
      },
    },
    tokens: {
      async count(prompt) {
        const { tokens, each } = model().llama.prompts.prompt(prompt)
        const messages = each.reduce((sum, count) => sum + count, 0)
        return { each, frame: tokens.length - messages, total: tokens.length }
      },
      countText: async ({ text }) => ({ tokens: model().llama.prompts.count(text) }),
    },
    chat: {
      generate(input, signal) {
        const { llama, scheduler } = model()
        return generate(llama, scheduler, input, signal)
      },
      async prefill({ chatId, prompt }, signal) {
        const { llama, scheduler } = model()
        const { tokens } = llama.prompts.prompt(prompt)
        if (!llama.canCut || tokens.length >= llama.loaded.contextTokens) return { tokens: 0, cachedTokens: 0 }
        return scheduler.draft({ kind: 'draft', chatId, tokens, signal })
      },
      saveState: async () => ({ tokens: 0, bytes: 0 }),
      loadState: async () => ({ tokens: 0 }),
      async forget({ chatId }) {
        await ready?.scheduler.forget(chatId)
        return {}
      },
    },
    process: {
      async stats() {
        const load = ready?.scheduler.load() ?? { running: 0, waiting: 0, usedTokens: 0 }
        const { sequences = 0, contextTokens = 0 } = ready?.llama.loaded ?? {}
        return { ...load, capacityTokens: sequences * contextTokens, rssBytes: process.memoryUsage.rss() }
      },
    },
  }
}
