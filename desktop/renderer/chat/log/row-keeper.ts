import { holds, layOut, rowsBetween, type Range } from './layout.ts'

/** Rendered above and below what is seen, in px: a fast wheel turns about 800 px in a frame or two. */
const AHEAD = 1000
/** Rows are rendered anew when less than this is left. */
const SLACK = 350
/** At first, only what is seen: the rest follows with the next frame, so that a chat is on screen the sooner. */
const FIRST = { ahead: 100, slack: 0 }
const LATER = { ahead: AHEAD, slack: SLACK }
/** Nearer to the end than this, in px, counts as at the end. */
const END = 24
/** Where a row that is shown comes to stand, in px below the top. */
const SHOWN_AT = 72

export interface RowKeeper {
  /** The rows there are now; gives those to render, and the heights of the others above and below. */
  plan(ids: readonly string[], estimate: (index: number) => number): { range: Range; before: number; after: number }
  rowRef(id: string): (element: HTMLElement | null) => void
  /** Follows the element that scrolls, until the returned function is called. */
  attach(box: HTMLElement): () => void
  /** Writes the scroll position that keeps the reader's place, after heights changed. */
  settle(): void
  toEnd(): void
  show(id: string): void
}

/**
 * Keeps a reader's place in a list of thousands of rows, of which only those near what is seen exist. Rows stand in the normal flow between
 * two spacers and may grow at any time. What the person reads never moves: the first row in sight keeps its place whatever happens above it;
 * only somebody who is at the end is kept at the end. (The browser's own scroll anchoring is off: it knows nothing of the spacers.)
 */
export function createRowKeeper(onChange: (atEnd: boolean) => void): RowKeeper {
  const heights = new Map<string, number>()
  const elements = new Map<string, HTMLElement>()
  const refs = new Map<string, (element: HTMLElement | null) => void>()
  const resizes = new ResizeObserver(() => settle())
  let box: HTMLElement | null = null
  let ids: readonly string[] = []
  let estimate: (index: number) => number = () => 0
  let rendered: Range = { first: 0, end: 0 }
  let sticking = true
  let anchor: { id: string; fromTop: number } | null = null
  let scrollTop = 0
  let margin = FIRST

  const offsetsNow = () => layOut(ids, (id, index) => heights.get(id) ?? estimate(index))

  function wanted(offsets: Float64Array, margin: number): Range {
    const height = box?.clientHeight ?? innerHeight
    let top = sticking ? offsets[ids.length]! - height : scrollTop
    // The anchor says better than the scroll position where the reader is: heights above it may just have changed.
    const anchored = sticking || !anchor ? -1 : ids.indexOf(anchor.id)
    if (anchored >= 0) top = offsets[anchored]! - anchor!.fromTop
    return rowsBetween(offsets, Math.max(0, top - margin), top + height + margin)
  }

  function renderIfNeeded(): void {
    if (!holds(rendered, wanted(offsetsNow(), margin.slack))) onChange(sticking)
  }

  function remember(): void {
    anchor = null
    if (!box) return
    for (let index = rendered.first; index < rendered.end; index++) {
      const element = elements.get(ids[index]!)
      if (!element) continue
      const fromTop = topIn(box, element)
      if (fromTop + element.offsetHeight <= 0) continue
      anchor = { id: ids[index]!, fromTop }
      return
    }
  }

  function settle(): void {
    if (!box) return
    for (const [id, element] of elements) heights.set(id, element.getBoundingClientRect().height)
    if (sticking) {
      const end = box.scrollHeight - box.clientHeight
      if (Math.abs(box.scrollTop - end) > 0.5) box.scrollTop = end
    } else if (anchor) {
      const element = elements.get(anchor.id)
      const moved = element ? topIn(box, element) - anchor.fromTop : 0
      if (Math.abs(moved) > 0.5) box.scrollTop += moved
    } else remember()
    scrollTop = box.scrollTop
    renderIfNeeded()
  }

  function onScroll(): void {
    if (!box) return
    // What `settle` wrote comes back as an event, too: the place it keeps was not chosen anew.
    if (Math.abs(box.scrollTop - scrollTop) < 0.5) return
    const before = sticking
    const toEnd = box.scrollHeight - box.clientHeight - box.scrollTop
    // Upwards is a person's doing, however little: being pulled back to a growing end would hold them there.
    if (box.scrollTop < scrollTop && toEnd > 1) sticking = false
    else if (toEnd <= END) sticking = true
    scrollTop = box.scrollTop
    if (!sticking) remember()
    if (before !== sticking) onChange(sticking)
    else renderIfNeeded()
  }

  return {
    plan(nextIds, nextEstimate) {
      ids = nextIds
      estimate = nextEstimate
      const offsets = offsetsNow()
      rendered = wanted(offsets, margin.ahead)
      return { range: rendered, before: offsets[rendered.first]!, after: offsets[ids.length]! - offsets[rendered.end]! }
    },
    rowRef(id) {
      let ref = refs.get(id)
      if (ref) return ref
      ref = element => {
        const old = elements.get(id)
        if (old) resizes.unobserve(old)
        if (element) {
          elements.set(id, element)
          resizes.observe(element)
          return
        }
        elements.delete(id)
        refs.delete(id)
      }
      refs.set(id, ref)
      return ref
    },
    attach(next) {
      box = next
      next.addEventListener('scroll', onScroll, { passive: true })
      resizes.observe(next)
      const frame = requestAnimationFrame(() => {
        margin = LATER
        onChange(sticking)
      })
      return () => {
        cancelAnimationFrame(frame)
        next.removeEventListener('scroll', onScroll)
        resizes.disconnect()
        box = null
      }
    },
    settle,
    toEnd() {
      sticking = true
      anchor = null
      onChange(true)
    },
    show(id) {
      sticking = false
      anchor = { id, fromTop: SHOWN_AT }
      onChange(false)
    },
  }
}

function topIn(box: HTMLElement, element: HTMLElement): number {
  return element.getBoundingClientRect().top - box.getBoundingClientRect().top
}
