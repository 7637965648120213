import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inferenceContract } from '@fusion/shared/contract/inference.ts'
import { childProcessPort } from '@fusion/shared/rpc/child-process.ts'
import { connect } from '@fusion/shared/rpc/connect.ts'
import { repository } from '../config.ts'
import { dropFromPageCache } from '../page-cache.ts'
import { newQuestion } from '../questions.ts'
import { judge, type Pair, type Row } from '../report.ts'
import type { Setting } from './setting.ts'

/** 131 kB a token as an 8B has it, so this is 256 MB. */
const FULL_TOKENS = 2048

/** The KV state of a chat with an 8B-sized model, to disk and back, asked of the inference process itself. */
export async function keptState({ stateModel, threads, quick }: Setting): Promise<Row[]> {
  const tokens = quick ? FULL_TOKENS / 4 : FULL_TOKENS
  const folder = await mkdtemp(join(tmpdir(), 'fusion-bench-state-'))
  const child = spawn(process.execPath, [join(repository, 'out', 'inference', 'main.js')], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
    // As the engine starts it.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
  })
  const client = connect(inferenceContract, childProcessPort(child))
  const saved: Pair[] = []
  const warm: Pair[] = []
  const cold: Pair[] = []
  let megabytes = 0
  try {
    const load = { path: stateModel, modelId: 'state', backend: 'cpu', threads, contextTokens: 4096, memoryBytes: null } as const
    for await (const _ of client.model.load(load));
    const chatId = 'chat'
    const prompt = { messages: [{ role: 'user' as const, text: newQuestion(tokens) }] }
    // An answer of one token, since it is prefilled in whole batches.
    for await (const _ of client.chat.generate({ chatId, prompt, sampling: { maxTokens: 1 }, priority: 0 }));
    for (let round = 0; round < (quick ? 1 : 5); round++) {
      const path = join(folder, `${round}.state`)
      await timed(saved, async () => (megabytes = (await client.chat.saveState({ chatId, path })).bytes / 1e6))
      await client.chat.forget({ chatId })
      await timed(warm, () => client.chat.loadState({ chatId, path }))
      await client.chat.forget({ chatId })
      await dropFromPageCache(path)
      await timed(cold, () => client.chat.loadState({ chatId, path }))
    }
  } finally {
    // It ends with its channel, and with nothing less: a Ctrl+C is the engine's to answer.
    if (child.connected) child.disconnect()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    await rm(folder, { recursive: true, force: true })
  }
  const size = `KV state of ${tokens} tokens of an 8B's shape (${Math.round(megabytes)} MB)`
  return [
    judge(`${size}: saved`, 'ms', saved, null),
    judge(`${size}: loaded, warm page cache`, 'ms', warm, null),
    judge(`${size}: loaded, cold page cache`, 'ms', cold, null),
  ]
}

async function timed(into: Pair[], work: () => Promise<unknown>): Promise<void> {
  const from = performance.now()
  await work()
  into.push({ ours: performance.now() - from, reference: null })
}
