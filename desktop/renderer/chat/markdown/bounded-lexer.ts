import { Lexer, type Token, type TokensList } from 'marked'

/** Lists in quotes in lists: nobody reads deeper, and each level costs a stack frame and a pass over its text. */
const DEEPEST = 20

/**
 * One paragraph or table cell may not be longer, nor hold more marks, to be read for emphasis and links: each mark that nothing closes makes
 * the lexer look through the rest. `_a` six thousand times takes it 0.8 s, twenty-four thousand times 15 s; six hundred, 10 ms.
 */
const LONGEST_INLINE = 12_000
const MOST_MARKS = 600

function tooDense(text: string): boolean {
  if (text.length > LONGEST_INLINE) return true
  let marks = 0
  for (const _ of text.matchAll(/[*_~`[\]<]+/g)) if (++marks > MOST_MARKS) return true
  return false
}

/**
 * CommonMark with tables, with bounds on depth and length: what lies beyond them is plain text. A model's answer is untrusted,
 * and `>` ten thousand times must neither overflow the stack nor hold up the page.
 */
class BoundedLexer extends Lexer {
  depth = 0

  override blockTokens(source: string, tokens?: Token[], lastParagraphClipped?: boolean): Token[]
  override blockTokens(source: string, tokens?: TokensList, lastParagraphClipped?: boolean): TokensList
  override blockTokens(source: string, tokens: Token[] = [], lastParagraphClipped?: boolean): Token[] | TokensList {
    if (this.depth >= DEEPEST) {
      tokens.push({ type: 'text', raw: source, text: source, escaped: true })
      return tokens
    }
    this.depth++
    try {
      return super.blockTokens(source, tokens, lastParagraphClipped)
    } finally {
      this.depth--
    }
  }

  override inlineTokens(source: string, tokens: Token[] = []): Token[] {
    if (this.depth >= DEEPEST || tooDense(source)) {
      tokens.push({ type: 'text', raw: source, text: source, escaped: true })
      return tokens
    }
    this.depth++
    try {
      return super.inlineTokens(source, tokens)
    } finally {
      this.depth--
    }
  }
}

/** The top-level blocks of a text. `links` are definitions (`[name]: address`) from elsewhere in the same text; its own are added. */
export function lex(source: string, links: TokensList['links']): Token[] {
  const lexer = new BoundedLexer({ gfm: true })
  lexer.tokens.links = links
  return lexer.lex(source)
}
