// An inference process in which every KV state does what a bad one can do: it ends the process.
import { inferenceContract } from '@fusion/shared/contract/inference.ts'
import { childProcessPort } from '@fusion/shared/rpc/child-process.ts'
import { serve } from '@fusion/shared/rpc/serve.ts'
import { createHandlers } from '../handlers.ts'

const handlers = createHandlers()
handlers.chat.loadState = () => process.abort()
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
serve(inferenceContract, handlers, childProcessPort(process))
