// The inference process. It speaks with the engine over its IPC channel alone, and opens no connection.
import { inferenceContract } from '@fusion/shared/contract/inference.ts'
import { childProcessPort } from '@fusion/shared/rpc/child-process.ts'
import { serve } from '@fusion/shared/rpc/serve.ts'
import { createHandlers } from './handlers.ts'

// When the engine is gone there is nobody to compute for. A kill, because an exit would first wait for the batch under way.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

// Ctrl-C in a terminal reaches every process of it. The engine saves and closes first, and then closes the channel.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})

serve(inferenceContract, createHandlers(), childProcessPort(process), {
  onBug(path, error) {
    // The engine keeps the end of stderr for diagnosis. Names and stacks only: messages could hold what people wrote.
    const stack = error instanceof Error ? error.stack?.split('\n').slice(1, 8).join('\n') : ''
    process.stderr.write(`bug in ${path}: ${error instanceof Error ? error.name : typeof error}\n${stack}\n`)
  },
})
