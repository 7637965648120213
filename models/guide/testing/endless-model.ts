import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** As long as the name that it takes the place of. */
export const endlessName = 'Fusion Talks'

// The byte 0xff, which no text in UTF-8 holds.
const UNUSED_TOKEN = 187

/**
 * A real model that does not end its answers: the guide, whose end is called otherwise and is not the end any more, so that it talks until its
 * window is full. The guide's own answers are over within 30 ms, which nobody can stop, scroll, reload or kill in. Its window of 16,384
 * tokens, eight times the one it was trained on, keeps it talking for ten seconds, and reading for as long.
 * Returns the file, which lies among the models of `home`.
 */
export function addEndlessModel(home: string): string {
  const file = readFileSync(join(import.meta.dirname, 'guide-f16.gguf'))
  // llama.cpp knows ends of turns by their names, too. The same length keeps every offset of the file.
  for (let at = file.indexOf('<|end|>'); at >= 0; at = file.indexOf('<|end|>', at + 1)) file.write('<|enx|>', at, 'latin1')
  file.write(endlessName, file.indexOf('Fusion Guide'), 'latin1')
  setNumber(file, 'tokenizer.ggml.eos_token_id', UNUSED_TOKEN)
  setNumber(file, 'llama.context_length', 16_384)
  mkdirSync(join(home, 'models'), { recursive: true })
  const path = join(home, 'models/endless.gguf')
  writeFileSync(path, file)
  // A file that has only just changed is waited for: it may still be growing.
  utimesSync(path, 0, 0)
  return path
}

/** Sets a number in the header of a model file. */
export function setNumber(file: Buffer, key: string, value: number): void {
  const at = file.indexOf(key)
  if (at < 0) throw new Error(`the guide has no ${key}`)
  // After the key: four bytes of type (4, a 32-bit number), then the number.
  file.writeUInt32LE(value, at + key.length + 4)
}
