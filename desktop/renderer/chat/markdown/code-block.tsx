import { readEntities } from '@fusion/shared/markdown/entities.ts'
import { CopyButton } from '../../ui/copy-button.tsx'
import { useHighlighted } from './highlight.tsx'
import { LongText } from './long-text.tsx'

/** Longer code is laid out in pieces and without colours. */
const LONG = 40_000

/** A fence: its language, its text, and a button that copies it. */
export function CodeBlock({ code, language, growing }: { code: string; language: string; growing: boolean }) {
  const name = readEntities(language)
    .split(/[\s{:,]/, 1)[0]!
    .toLowerCase()
  const highlighted = useHighlighted(code, name, growing)
  return (
    <figure className="code">
      <figcaption>
        <span>{name || 'text'}</span>
        <CopyButton text={() => code} label="Copy code" />
      </figcaption>
      {/* Code that scrolls sideways has to take the focus to be scrolled by keyboard. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} aria-label={name ? `Code in ${name}` : 'Code'}>
        {code.length > LONG ? <LongText text={code} /> : <code>{highlighted ?? code}</code>}
      </pre>
    </figure>
  )
}
