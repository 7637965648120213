import type { ElementContent, Root } from 'hast'
import { useEffect, useMemo, useState, type ReactNode } from 'react'

type Highlighter = (language: string, code: string) => Root | null

let highlighter: Highlighter | null = null
let loading: Promise<Highlighter> | null = null

/** Loads the grammars, apart from the page as they are a third of it: with the first piece of code, or when there is nothing else to do. */
export function loadGrammars(): Promise<Highlighter> {
  return (loading ??= import('./grammars.ts').then(module => (highlighter = module.highlight)))
}

/** About 1 ms for each thousand characters: at most a short frame for whole code, and a blink of one for code that is being written. */
const MOST = 16_000
const MOST_GROWING = 3_000

/** Code in colours, or null where it has none: unknown language, too long, or grammars not there yet. */
export function useHighlighted(code: string, language: string, growing: boolean): ReactNode {
  const wanted = language !== '' && code.length <= (growing ? MOST_GROWING : MOST)
  const [ready, setReady] = useState(highlighter !== null)
  useEffect(() => {
    if (!wanted || ready) return
    let here = true
    loadGrammars().then(
      () => here && setReady(true),
      () => {}, // code without colours is still code
    )
    return () => {
      here = false
    }
  }, [wanted, ready])
  return useMemo(() => {
    const tree = wanted && ready ? highlighter?.(language, code) : null
    return tree ? render(tree.children) : null
  }, [code, language, wanted, ready])
}

function render(nodes: readonly (ElementContent | Root['children'][number])[]): ReactNode {
  return nodes.map((node, index) => {
    if (node.type === 'text') return node.value
    if (node.type !== 'element') return null
    const names = node.properties['className']
    return (
      <span key={index} className={Array.isArray(names) ? names.join(' ') : undefined}>
        {render(node.children)}
      </span>
    )
  })
}
