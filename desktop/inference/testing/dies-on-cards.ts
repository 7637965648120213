// An inference process as on a machine with a bad driver: it dies when a graphics card is to be used.
import { inferenceContract } from '@fusion/shared/contract/inference.ts'
import { childProcessPort } from '@fusion/shared/rpc/child-process.ts'
import { serve } from '@fusion/shared/rpc/serve.ts'
import { createHandlers } from '../handlers.ts'

const handlers = createHandlers()
const { load } = handlers.model
handlers.model.load = (input, signal) => (input.backend === 'cpu' ? load(input, signal) : process.abort())
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
serve(inferenceContract, handlers, childProcessPort(process))
