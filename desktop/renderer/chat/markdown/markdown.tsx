import type { Token, Tokens } from 'marked'
import { Fragment, memo, useMemo, type ReactNode } from 'react'
import type { Block } from './blocks.ts'
import { CodeBlock } from './code-block.tsx'
import { Inline } from './inline.tsx'
import { LongText } from './long-text.tsx'
import { More } from './more.tsx'
import { cutAtSeams, seamIndex } from './seams.ts'
import { useParsed } from './use-parsed.ts'
import { useRevealed } from './use-revealed.ts'
import './markdown.css'

export interface MarkdownProps {
  text: string
  growing?: boolean
  /** Lines at places in the text: between blocks, or through a paragraph. */
  seams?: readonly { at: number; line: ReactNode }[]
}

/** A model's text as CommonMark with tables and task lists. Everything in it is untrusted: HTML is shown as text, nothing is loaded. */
export function Markdown({ text, growing = false, seams = [] }: MarkdownProps) {
  const parsed = useParsed(text, growing)
  const places = seams.map(seam => seam.at).join()
  const blocks = useMemo(() => cutAtSeams(parsed, places ? places.split(',').map(Number) : []), [parsed, places])
  const revealed = useRevealed(blocks.length, 80, 80)
  const shown = growing ? blocks.length : revealed
  const linesBefore = (index: number) =>
    seams.filter(seam => seamIndex(blocks, seam.at) === index).map(seam => <Fragment key={seam.at}>{seam.line}</Fragment>)
  return (
    <div className={growing ? 'markdown growing' : 'markdown'}>
      {blocks.slice(0, shown).map((block, index) => (
        <Fragment key={block.start}>
          {linesBefore(index)}
          <BlockView block={block} growing={growing && index === blocks.length - 1} />
        </Fragment>
      ))}
      {shown === blocks.length && linesBefore(shown)}
    </div>
  )
}

const BlockView = memo(function BlockView({ block, growing }: { block: Block; growing: boolean }) {
  return <BlockToken token={block.token} growing={growing} />
})

function BlockToken({ token, growing = false }: { token: Token; growing?: boolean }): ReactNode {
  switch (token.type) {
    case 'paragraph':
      return (
        <p>
          <Inline tokens={token.tokens} />
        </p>
      )
    case 'heading':
      return <Heading token={token as Tokens.Heading} />
    case 'code': {
      const code = token as Tokens.Code
      return <CodeBlock code={code.text} language={code.lang ?? ''} growing={growing} />
    }
    case 'blockquote':
      return (
        <blockquote>
          <BlockTokens tokens={token.tokens} growing={growing} />
        </blockquote>
      )
    case 'list':
      return <List list={token as Tokens.List} growing={growing} />
    case 'table':
      return <Table table={token as Tokens.Table} />
    case 'hr':
      return <hr />
    case 'html':
      return <LongText text={(token as Tokens.HTML).text.trimEnd()} className="raw" />
    case 'plain':
      return <LongText text={token.raw} />
    case 'text':
      if (token.tokens) return <Inline tokens={token.tokens} />
      return token.raw.length > 2000 ? <LongText text={token.raw} /> : <Inline tokens={[token]} />
    case 'checkbox':
      return <input type="checkbox" checked={(token as Tokens.Checkbox).checked} readOnly disabled aria-label="Task" />
    default:
      return null
  }
}

function BlockTokens({ tokens, growing = false }: { tokens: Token[] | undefined; growing?: boolean }): ReactNode {
  return tokens?.map((token, index) => <BlockToken key={index} token={token} growing={growing && index === tokens.length - 1} />)
}

/** Headings of an answer stand under the chat's own (h1) and the message: at most as large as h3. */
function Heading({ token }: { token: Tokens.Heading }) {
  const Level = (['h3', 'h3', 'h4', 'h5', 'h6', 'h6'] as const)[token.depth - 1] ?? 'h6'
  return (
    <Level data-depth={token.depth}>
      <Inline tokens={token.tokens} />
    </Level>
  )
}

function List({ list, growing }: { list: Tokens.List; growing: boolean }) {
  const items = (
    <More all={list.items} first={200} of="points" growing={growing}>
      {(item, index) => (
        <li key={index} className={item.task ? 'task' : undefined}>
          <BlockTokens tokens={item.tokens} growing={growing && index === list.items.length - 1} />
        </li>
      )}
    </More>
  )
  return list.ordered ? <ol start={list.start === '' ? 1 : list.start}>{items}</ol> : <ul>{items}</ul>
}

function Table({ table }: { table: Tokens.Table }) {
  const cell = (content: Tokens.TableCell, index: number) => {
    const Cell = content.header ? 'th' : 'td'
    return (
      <Cell key={index} data-align={content.align ?? undefined}>
        <Inline tokens={content.tokens} />
      </Cell>
    )
  }
  return (
    // A wide table scrolls by itself; to scroll it with the keyboard it has to take the focus.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="table" role="region" aria-label="Table" tabIndex={0}>
      <table>
        <thead>
          <tr>{table.header.map(cell)}</tr>
        </thead>
        <tbody>
          <More all={table.rows} first={100} of="rows" columns={table.header.length}>
            {(row, index) => <tr key={index}>{row.map(cell)}</tr>}
          </More>
        </tbody>
      </table>
    </div>
  )
}
