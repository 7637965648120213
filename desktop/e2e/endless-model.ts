import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { otherModel } from './engine.ts'

/** As long as the name that it takes the place of. */
export const endlessName = 'Fusion Talks'

// A letter that no answer is made of.
const UNUSED_TOKEN = 40

/**
 * A real model that does not end its answers: the guide, whose end is called otherwise and is not the end any more, so that it talks until its
 * window is full. Its answers in itself are over within 30 ms, which nobody can stop, scroll or reload in.
 */
export function addEndlessModel(home: string): void {
  const file = readFileSync(otherModel)
  // llama.cpp knows ends of turns by their names, too. The same length keeps every offset of the file.
  for (let at = file.indexOf('<|end|>'); at >= 0; at = file.indexOf('<|end|>', at + 1)) file.write('<|enx|>', at, 'latin1')
  file.write(endlessName, file.indexOf('Fusion Guide'), 'latin1')
  const key = 'tokenizer.ggml.eos_token_id'
  const at = file.indexOf(key)
  if (at < 0) throw new Error(`the guide has no ${key}`)
  // After the key: four bytes of type (4, a 32-bit number), then the number.
  file.writeUInt32LE(UNUSED_TOKEN, at + key.length + 4)
  mkdirSync(join(home, 'models'), { recursive: true })
  writeFileSync(join(home, 'models/endless.gguf'), file)
}
