import { hash } from 'node:crypto'

/** Characters of a block: some 64 tokens, four of vLLM's blocks. Smaller ones find little more, and cost more to hash. */
export const BLOCK_CHARACTERS = 256
/** Of one prompt: a million characters. What comes after is the same or not, the choice of a server is made by then. */
const MOST_BLOCKS = 4_096

/**
 * The beginning of a prompt in blocks, each hashed with all before it, so that equal numbers mean equal beginnings. `salt` parts tenants and models:
 * what one of them asked is found by nobody else, as in vLLM's own cache. A last block that is not whole is left out.
 */
export function prefixBlocks(text: string, salt: string): number[] {
  const blocks: number[] = []
  let before = salt
  for (let from = 0; from + BLOCK_CHARACTERS <= text.length && blocks.length < MOST_BLOCKS; from += BLOCK_CHARACTERS) {
    before = hash('sha1', before + text.slice(from, from + BLOCK_CHARACTERS))
    // 48 bits: among a million blocks two are the same by chance once in 500 times, and then only a choice is a little worse.
    blocks.push(Number.parseInt(before.slice(0, 12), 16))
  }
  return blocks
}

/** What a model reads of a request, in the order in which templates place it; `prefixBlocks` cuts it. */
export function readText(body: object): string {
  const { tools, instructions, messages, input, prompt } = body as Record<string, unknown>
  const words = messages ?? input ?? prompt
  return (tools === undefined ? '' : JSON.stringify(tools)) + (typeof instructions === 'string' ? instructions : '') + JSON.stringify(words)
}
