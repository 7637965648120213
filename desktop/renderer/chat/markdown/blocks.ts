import type { Token, TokensList } from 'marked'
import { lex } from './bounded-lexer.ts'

/** A top-level block: a paragraph, a list, a fence. */
export interface Block {
  /** Where it begins in the text: its name for as long as the text only grows. */
  start: number
  raw: string
  token: Token
}

export interface Parsed {
  source: string
  blocks: Block[]
  links: TokensList['links']
}

export const nothingParsed: Parsed = { source: '', blocks: [], links: {} }

/** Definitions without a prototype: a text may well name one `constructor`. */
const noLinks = (): TokensList['links'] => Object.create(null)

/** Longer lines are cut for reading as Markdown: they are data, not prose, and patterns over them are slow. */
const LONGEST_LINE = 50_000

/**
 * Parses a text that may have grown since `before`: blocks that can no longer change are taken over as the same objects, so that only
 * what is written now is read and rendered again. The last two blocks may still change (a fence opened in the last line can turn out
 * to be inline code of the paragraph above), so reading begins there.
 */
export function parseBlocks(source: string, before: Parsed = nothingParsed): Parsed {
  const text = source.includes('\r') ? source.replace(/\r\n?/g, '\n') : source
  if (text === before.source) return before
  const kept = text.startsWith(before.source) ? before.blocks.slice(0, -2) : []
  const links = kept.length > 0 ? before.links : noLinks()
  const last = kept.at(-1)
  const blocks = [...kept]
  let start = last ? last.start + last.raw.length : 0
  for (const token of tokensOf(text.slice(start), links)) {
    const old = before.blocks[blocks.length]
    // An unchanged block stays the same object, for the memo of its component.
    const same = old && old.start === start && old.raw === token.raw && old.token.type === token.type
    if (token.type !== 'space' && token.type !== 'def') blocks.push(same ? old : { start, raw: token.raw, token })
    else if (blocks.length > 0) {
      // Blank lines belong to the block above, so that the blocks follow each other without a hole.
      const above = blocks.at(-1)!
      const raw = above.raw + token.raw
      const oldAbove = before.blocks[blocks.length - 1]
      blocks[blocks.length - 1] = oldAbove && oldAbove.start === above.start && oldAbove.raw === raw ? oldAbove : { ...above, raw }
    }
    start += token.raw.length
  }
  return { source: text, blocks, links }
}

function tokensOf(text: string, links: TokensList['links']): Token[] {
  if (text.length > LONGEST_LINE && longestLine(text) > LONGEST_LINE) return [{ type: 'plain', raw: text }]
  return lex(text, links)
}

function longestLine(text: string): number {
  let longest = 0
  for (let from = 0; from <= text.length;) {
    const end = text.indexOf('\n', from)
    const to = end < 0 ? text.length : end
    longest = Math.max(longest, to - from)
    from = to + 1
  }
  return longest
}
