// An inference process with so little memory that four chats of the guide fit in it at once.
import { inferenceContract } from '@fusion/shared/contract/inference.ts'
import { childProcessPort } from '@fusion/shared/rpc/child-process.ts'
import { serve } from '@fusion/shared/rpc/serve.ts'
import { createHandlers } from '../handlers.ts'

const MEMORY_BYTES = 70e6

const handlers = createHandlers()
const { load } = handlers.model
handlers.model.load = (input, signal) => load({ ...input, memoryBytes: MEMORY_BYTES }, signal)
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
serve(inferenceContract, handlers, childProcessPort(process))
