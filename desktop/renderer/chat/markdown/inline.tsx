import { readEntities } from '@fusion/shared/markdown/entities.ts'
import type { Token, Tokens } from 'marked'
import type { ReactNode } from 'react'
import { AnswerImage } from './answer-image.tsx'
import { SafeLink } from './safe-link.tsx'

/** Text with emphasis, code, links and images; HTML tags stand as text, but for `<br>`, which models write into tables. */
export function Inline({ tokens }: { tokens: Token[] | undefined }): ReactNode {
  return tokens?.map((token, index) => <InlineToken key={index} token={token} />)
}

function InlineToken({ token }: { token: Token }): ReactNode {
  switch (token.type) {
    case 'text': {
      const text = token as Tokens.Text
      if (text.tokens) return <Inline tokens={text.tokens} />
      return text.escaped ? text.text : readEntities(text.text)
    }
    case 'escape':
      return (token as Tokens.Escape).text
    case 'strong':
      return (
        <strong>
          <Inline tokens={token.tokens} />
        </strong>
      )
    case 'em':
      return (
        <em>
          <Inline tokens={token.tokens} />
        </em>
      )
    case 'del':
      return (
        <del>
          <Inline tokens={token.tokens} />
        </del>
      )
    case 'codespan':
      return <code>{(token as Tokens.Codespan).text}</code>
    case 'br':
      return <br />
    case 'link':
      return <SafeLink link={token as Tokens.Link} />
    case 'image':
      return <AnswerImage image={token as Tokens.Image} />
    case 'html':
      return /^<br\s*\/?>$/i.test(token.raw) ? <br /> : token.raw
    default:
      return token.raw
  }
}

/** The words of inline tokens, without what decorates them. */
export function wordsOf(tokens: Token[] | undefined): string {
  return (tokens ?? [])
    .map(token => {
      if ('tokens' in token && token.tokens && token.type !== 'image') return wordsOf(token.tokens)
      return 'text' in token ? readEntities(String(token.text)) : token.raw
    })
    .join('')
}
