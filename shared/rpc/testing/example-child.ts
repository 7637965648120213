// Run as a child process: serves the example over its IPC channel.
import { childProcessPort } from '../child-process.ts'
import { serve } from '../serve.ts'
import { createExample, exampleContract } from './example.ts'

const { handlers, options } = createExample()
serve(exampleContract, handlers, childProcessPort(process), options)
