// llama-server as the reference: the same file, the same threads, the same number of tokens.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Answer } from './answer.ts'
import { askOpenAi } from './openai-client.ts'

export interface LlamaServer {
  /** A chat of one question, answered greedily with exactly `tokens` tokens; nothing of earlier prompts is used again. */
  ask(question: string, tokens: number): Promise<Answer>
  countTokens(text: string): Promise<number>
  close(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('No port is free')
  return address.port
}

/** Starts `program` with a model and waits until it answers. `chats`: how many at once, of `contextTokens` each. */
export async function startLlamaServer(
  program: string,
  modelPath: string,
  { threads, chats, contextTokens }: { threads: number; chats: number; contextTokens: number },
): Promise<LlamaServer> {
  const port = await freePort()
  const flags = {
    model: modelPath,
    host: '127.0.0.1',
    port: String(port),
    threads: String(threads),
    parallel: String(chats),
    'ctx-size': String(chats * contextTokens),
    'cache-ram': '0',
  }
  const child = spawn(
    program,
    Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]),
    { stdio: 'ignore' },
  )
  // Whatever ends the bench ends the server too.
  const end = () => void child.kill()
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  const gone = once(child, 'exit').then(() => Promise.reject(new Error('llama-server ended before it was ready')))
  gone.catch(() => {})
  const at = `http://127.0.0.1:${port}`
  const healthy = async () => {
    for (;;) {
      if (
        await fetch(`${at}/health`).then(
          ({ ok }) => ok,
          () => false,
        )
      )
        return
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
  await Promise.race([healthy(), gone])

  const ask = (question: string, tokens: number) =>
    askOpenAi(port, {
      messages: [{ role: 'user', content: question }],
      n_predict: tokens,
      // One candidate: the cheapest greedy choice llama-server has.
      temperature: 0,
      top_k: 1,
      samplers: ['top_k'],
      cache_prompt: false,
      ignore_eos: true,
    })

  return {
    ask,
    async countTokens(text) {
      const response = await fetch(`${at}/tokenize`, { method: 'POST', body: JSON.stringify({ content: text }) })
      return ((await response.json()) as { tokens: number[] }).tokens.length
    },
    async close() {
      if (child.exitCode !== null) return
      child.kill()
      await once(child, 'exit')
    },
  }
}
