// The thread that chat templates run in. A template is a program from a file of anybody's: it may loop for ever, and is then ended with this.
import { parentPort, workerData } from 'node:worker_threads'
import { Template } from '@huggingface/jinja'

/** What a template writes around marks; more than this is no prompt. */
const MOST_UNITS = 4_000_000

function compile(): Template | undefined {
  try {
    return new Template(workerData as string)
  } catch {
    // A fault in its grammar.
    return undefined
  }
}

function render(values: Record<string, unknown>): string | undefined {
  try {
    const text = template?.render(values)
    return text !== undefined && text.length <= MOST_UNITS ? text : undefined
  } catch {
    // Templates refuse by raising: a role they don't know, an order they don't like.
    return undefined
  }
}

const template = compile()
parentPort!.on('message', (values: Record<string, unknown>) => parentPort!.postMessage(render(values)))
