import { Worker } from 'node:worker_threads'

export interface ChatTemplate {
  /** What the template writes; undefined: it refuses, or it ran for too long or too large, and then it refuses everything from now on. */
  render(values: Record<string, unknown>): Promise<string | undefined>
}

/** Templates take a millisecond; the first time a thread is started, on a machine that may be busy loading a model. */
const LONGEST_MS = 5_000
/**
 * What a template may build; prompts of thousands of messages take a tenth. V8 allows a thread 16 MB more to end in: were this larger, the next
 * doubling of a list could not be ended any more, and the process would die of it.
 */
const MOST_MEGABYTES = 24

/** Beside this file as it is written; in a bundle, beside the bundle (build/bundles.ts). */
const script = import.meta.url.endsWith('.ts') ? './template-worker.ts' : './template-worker.js'

/** Runs a model file's chat template in a thread that is ended when it does not end by itself. */
export function createChatTemplate(text: string, { longestMs = LONGEST_MS }: { longestMs?: number } = {}): ChatTemplate {
  let worker: Worker | undefined
  let broken = false
  let last: Promise<unknown> = Promise.resolve()

  function start(): Worker {
    const started = new Worker(new URL(script, import.meta.url), {
      workerData: text,
      resourceLimits: { maxOldGenerationSizeMb: MOST_MEGABYTES, maxYoungGenerationSizeMb: 4 },
      execArgv: [],
    })
    started.unref()
    return started
  }

  async function renderNow(values: Record<string, unknown>): Promise<string | undefined> {
    if (broken) return undefined
    const running = (worker ??= start())
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    const breakOff = () => {
      broken = true
      resolve(undefined)
      void running.terminate()
    }
    const timer = setTimeout(breakOff, longestMs)
    const answered = (text: string | undefined) => resolve(text)
    running.on('message', answered)
    running.once('error', breakOff)
    running.postMessage(values)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      running.off('message', answered)
      running.off('error', breakOff)
    }
  }

  return {
    render(values) {
      const result = last.then(() => renderNow(values))
      last = result
      return result
    },
  }
}
