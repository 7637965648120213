import { Failure } from '@fusion/shared/rpc/failure.ts'

/** The code of a failure, or the name of what else was thrown: never its message, which may quote what people wrote. */
export function reasonOf(error: unknown): string {
  return error instanceof Failure ? error.code : error instanceof Error ? error.name : 'unknown'
}

/** Where it happened: files and lines of the stack, without the message before them. */
export function framesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  const { stack = '', message } = error
  // A message may have lines that look like frames; one that is not found in the stack was changed since.
  const at = stack.indexOf(message)
  const frames = at < 0 ? '' : stack.slice(at + message.length)
  return frames
    .split('\n')
    .filter(line => /^\s+at /.test(line))
    .map(line => line.trim())
}
