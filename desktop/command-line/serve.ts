import { type Given, WrongUse } from './arguments.ts'
import type { Tools } from './command.ts'

/** What `npm run serve` does. It ends the process itself. */
export async function serve({ words: [word] }: Given, { stop }: Tools): Promise<never> {
  if (word !== undefined) throw new WrongUse(`Nothing is expected here: ${JSON.stringify(word)}.`)
  // It has its own way to end well.
  stop.leave()
  await import('../engine/serve.ts')
  return new Promise(() => {})
}
