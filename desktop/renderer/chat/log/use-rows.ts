import { useLayoutEffect, useReducer, useState, type RefObject } from 'react'
import type { Range } from './layout.ts'
import { createRowKeeper, type RowKeeper } from './row-keeper.ts'

export interface Rows extends Pick<RowKeeper, 'rowRef' | 'toEnd' | 'show'> {
  range: Range
  /** Height of the rows that are not rendered, above and below. */
  before: number
  after: number
  atEnd: boolean
}

interface Options {
  ids: readonly string[]
  scroller: RefObject<HTMLElement | null>
  /** The element above the rows, as high as `before`. */
  spacer: RefObject<HTMLElement | null>
  /** Height of a row that was never rendered, in px. */
  estimate: (index: number) => number
}

/** The rows to render of a long list, and the reader's place in it, kept by row-keeper.ts. */
export function useRows({ ids, scroller, spacer, estimate }: Options): Rows {
  const [atEnd, changed] = useReducer((_: { atEnd: boolean }, next: boolean) => ({ atEnd: next }), { atEnd: true })
  const [keeper] = useState(() => createRowKeeper(changed))
  const plan = keeper.plan(ids, estimate)
  useLayoutEffect(() => keeper.attach(scroller.current!, spacer.current!), [keeper, scroller, spacer])
  useLayoutEffect(() => keeper.settle())
  return { ...plan, ...atEnd, rowRef: keeper.rowRef, toEnd: keeper.toEnd, show: keeper.show }
}
