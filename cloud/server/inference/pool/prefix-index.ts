export type PrefixIndex = ReturnType<typeof createPrefixIndex>

/** Where a server tells no size of its cache: a million tokens, in blocks of 64. */
const CAPACITY = 16_384
/** Whatever a server tells of its cache: 64 million tokens, in some 60 MB of ours. */
const MOST_CAPACITY = 1_000_000

/**
 * What one server has read lately, as far as we sent it: the blocks that its prefix cache is likely to have. Bounded by the size of that cache, and
 * like it the least lately used go first.
 */
export function createPrefixIndex() {
  let capacity = CAPACITY
  const known = new Map<number, true>()
  return {
    /** How many of these, from the first on, are there. */
    matched(blocks: readonly number[]): number {
      const missing = blocks.findIndex(block => !known.has(block))
      return missing === -1 ? blocks.length : missing
    },
    read(blocks: readonly number[]): void {
      // From the last to the first: an end without its beginning is of no use, so beginnings are dropped last.
      for (let index = blocks.length - 1; index >= 0; index--) {
        known.delete(blocks[index]!)
        known.set(blocks[index]!, true)
      }
      // Looked for anew each time, though it passes what was deleted before: an iterator that is kept holds on to every table that the map grew out of.
      for (const block of known.keys()) {
        if (known.size <= capacity) break
        known.delete(block)
      }
    },
    /** In blocks, as the server tells of its cache. */
    resize(to: number): void {
      capacity = Math.min(MOST_CAPACITY, Math.max(1, to))
    },
    /** It was started anew, and has nothing. */
    clear: () => known.clear(),
    size: () => known.size,
  }
}
