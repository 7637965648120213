import { basename } from 'node:path'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { InferenceContract } from '@fusion/shared/contract/inference.ts'
import { createMailbox, type Mailbox } from '@fusion/shared/rpc/mailbox.ts'
import type { Handlers } from '@fusion/shared/rpc/contract.ts'
import { generate } from './answer.ts'
import { readModelFacts } from './gguf/model-facts.ts'
import { hashModel } from './hash-file.ts'
import type { LoadedLlama } from './llama.ts'
import { createPace } from './scheduling/pace.ts'
import { createScheduler, type Scheduler } from './scheduling/scheduler.ts'
import { createStates, type SavedState, type States } from './states.ts'

/** Loaded when it is needed: node-llama-cpp takes a quarter of a second, and checking a file can mostly do without. */
const llamaModule = () => import('./llama.ts')

/** Architectures that every llama.cpp of these years runs (a test asks the one in use); others are looked up in it. */
export const everyday = new Set([
  'llama',
  'qwen2',
  'qwen3',
  'gemma2',
  'gemma3',
  'phi3',
  'granite',
  'gpt-oss',
  'mistral3',
  'deepseek2',
  'smollm3',
])

interface Ready {
  llama: LoadedLlama
  scheduler: Scheduler
  states: States
}

/** Answers the engine's calls: one model at most, loaded once. */
export function createHandlers(): Handlers<InferenceContract> {
  let ready: Ready | undefined
  let loading = false
  const watchers = new Set<Mailbox<SavedState>>()

  function assemble(llama: LoadedLlama, modelId: string): Ready {
    const { sequences, contextTokens } = llama.loaded
    const states = createStates(
      llama,
      modelId,
      () => scheduler,
      state => {
        for (const watcher of watchers) watcher.push(state)
      },
    )
    const scheduler = createScheduler({
      context: llama.context,
      sequences,
      contextTokens,
      // On a graphics card the processor's threads hardly matter.
      ...(llama.loaded.backend === 'cpu' && { pace: createPace(llama.threads) }),
      beforeEviction: states.beforeEviction,
    })
    return { llama, scheduler, states }
  }

  function model(): Ready {
    if (!ready) throw failure('model-missing')
    return ready
  }

  type Loading = { type: 'load-progress'; fraction: number } | { type: 'model-loaded'; loaded: LoadedLlama['loaded'] }

  return {
    model: {
      async inspect({ path }) {
        const { file } = readModelFacts(path)
        if (!everyday.has(file.architecture) && !(await (await llamaModule()).knowsArchitecture(file.architecture))) {
          throw failure('model-unsupported', { file: basename(path), why: `its architecture is “${file.architecture}”` })
        }
        return file
      },
      async *hash({ path }, signal) {
        const reading = hashModel(path, signal)
        for (;;) {
          const next = await reading.next()
          if (next.done) {
            yield { type: 'hash-finished', hash: next.value }
            return
          }
          yield { type: 'hash-progress', fraction: next.value }
        }
      },
      async *load(input, signal) {
        if (loading || ready) throw failure('model-load-failed')
        loading = true
        const events = createMailbox<Loading>({
          signal,
          merge: (last, next) => (last.type === 'load-progress' && next.type === 'load-progress' ? next : undefined),
        })
        const done = load()
        async function load(): Promise<void> {
          const { loadLlama } = await llamaModule()
          ready = assemble(await loadLlama(input, fraction => events.push({ type: 'load-progress', fraction }), signal), input.modelId)
          events.push({ type: 'model-loaded', loaded: ready.llama.loaded })
        }
        void done.catch(() => {}).finally(() => events.end())
        try {
          yield* events
          signal.throwIfAborted()
          await done
        } finally {
          loading = false
        }
      },
    },
    tokens: {
      async count(prompt, signal) {
        const { tokens, each } = await model().llama.prompts.prompt(prompt, signal)
        const messages = each.reduce((sum, count) => sum + count, 0)
        return { each, frame: tokens.length - messages, total: tokens.length }
      },
      countText: async ({ text }, signal) => ({ tokens: await model().llama.prompts.count(text, signal) }),
    },
    chat: {
      generate(input, signal) {
        const { llama, scheduler } = model()
        return generate(llama, scheduler, input, signal)
      },
      async prefill({ chatId, prompt }, signal) {
        const { llama, scheduler } = model()
        const { tokens } = await llama.prompts.prompt(prompt, signal)
        if (!llama.canCut || tokens.length >= llama.loaded.contextTokens) return { tokens: 0, cachedTokens: 0 }
        return scheduler.draft({ kind: 'draft', chatId, tokens, signal })
      },
      saveState: ({ chatId, path }) => model().states.save(chatId, path),
      loadState: ({ chatId, path }) => model().states.load(chatId, path),
      async saveBeforeEviction({ chatId, path }) {
        model().states.saveBeforeEviction(chatId, path)
        return {}
      },
      async *watchSaved(_, signal) {
        const saved = createMailbox<SavedState>({ signal })
        watchers.add(saved)
        try {
          yield* saved
        } finally {
          watchers.delete(saved)
        }
      },
      async forget({ chatId }) {
        ready?.states.saveBeforeEviction(chatId, null)
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
