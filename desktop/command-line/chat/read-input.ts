import { MAX_TEXT } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'

/** All of standard input as text. Throws `file-not-text` and `message-too-large`. */
export async function readInput(input: NodeJS.ReadStream, signal: AbortSignal): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const decode = (chunk?: Buffer) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined })
    } catch (error) {
      throw failure('file-not-text', { file: 'Standard input' }, { cause: error })
    }
  }
  let text = ''
  // What a stopped command has not read is nobody's.
  const stop = () => void input.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      text += decode(chunk)
      if (text.length > MAX_TEXT) throw failure('message-too-large')
    }
    text += decode()
  } catch (error) {
    throw signal.aborted ? failure('cancelled') : error
  } finally {
    signal.removeEventListener('abort', stop)
  }
  if (text.includes('\0')) throw failure('file-not-text', { file: 'Standard input' })
  return text
}
