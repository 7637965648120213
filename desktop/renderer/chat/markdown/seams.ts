import type { TokensList } from 'marked'
import type { Block, Parsed } from './blocks.ts'
import { lex } from './bounded-lexer.ts'

/**
 * The blocks with each paragraph that a seam runs through cut in two there: an answer is mostly cut off in the middle of a sentence.
 * Other blocks stay whole, as a line through a table or through code would break it.
 */
export function cutAtSeams({ blocks, links }: Pick<Parsed, 'blocks' | 'links'>, places: readonly number[]): Block[] {
  if (places.length === 0) return blocks
  return places.reduce((cut, at) => cut.flatMap(block => halves(block, at, links) ?? [block]), blocks)
}

function halves(block: Block, at: number, links: TokensList['links']): [Block, Block] | null {
  const into = at - block.start
  if (block.token.type !== 'paragraph' || into <= 0 || into >= block.raw.trimEnd().length) return null
  const before = paragraph(block.raw.slice(0, into), block.start, links)
  const after = paragraph(block.raw.slice(into), at, links)
  return before && after && [before, after]
}

/** Null where a part of a paragraph reads as something else, like "1. " at its beginning. */
function paragraph(raw: string, start: number, links: TokensList['links']): Block | null {
  const [token, ...others] = lex(raw, links).filter(each => each.type !== 'space')
  return token?.type === 'paragraph' && others.length === 0 ? { start, raw, token } : null
}

/** The block before which a seam at `at` stands; the number of blocks: behind them all. Never before the first, as something was written. */
export function seamIndex(blocks: readonly Block[], at: number): number {
  const next = blocks.findIndex(block => block.start >= at)
  const index = next < 0 ? blocks.length : next
  const block = blocks[index - 1]
  if (!block || index === 1) return index
  const end = block.start + block.raw.trimEnd().length
  return at - block.start < end - at ? index - 1 : index
}
