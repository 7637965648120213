import { holds, layOut, rowsBetween, type Range } from './layout.ts'

/** What is rendered beyond what is seen, in px, and how little of it may be left before more is rendered. */
interface Margin {
  ahead: number
  slack: number
}
/** At first, only what is seen: the rest follows with the next frame, so that a chat is on screen the sooner. */
const FIRST: Margin = { ahead: 100, slack: 0 }
/** A fast wheel turns about 800 px in a frame or two. */
const LATER: Margin = { ahead: 1000, slack: 350 }
/** Nearer to the end than this, in px, counts as at the end. */
const END = 24
/** Where a row that is shown comes to stand, in px below the top. */
const SHOWN_AT = 72
/** Without a scroll event for so long, in ms, nobody is scrolling. */
const REST_MS = 150

export interface RowKeeper {
  /** The rows there are now; gives those to render, and the heights of the spacers above and below them. */
  plan(ids: readonly string[], estimate: (index: number) => number): { range: Range; before: number; after: number }
  rowRef(id: string): (element: HTMLElement | null) => void
  /** Follows the element that scrolls and the spacer above the rows, until the returned function is called. */
  attach(box: HTMLElement, spacer: HTMLElement): () => void
  /** Keeps the reader's place, after heights changed. */
  settle(): void
  toEnd(): void
  show(id: string): void
}

/**
 * Keeps a reader's place in a list of thousands of rows, of which only those near what is seen exist. Rows stand in the normal flow between
 * two spacers and may grow at any time. What the person reads never moves: the first row in sight keeps its place whatever happens above it;
 * only somebody who is at the end is kept at the end. (The browser's own scroll anchoring is off: it knows nothing of the spacers.)
 *
 * While somebody scrolls, the scroll position is theirs: writing it would end the browser's smooth movement. What rows above turn out to be
 * higher or lower than estimated is taken from the spacer instead (`drift`), and both are put right when the scrolling has come to rest.
 */
export function createRowKeeper(onChange: (atEnd: boolean) => void): RowKeeper {
  const heights = new Map<string, number>()
  const elements = new Map<string, HTMLElement>()
  const refs = new Map<string, (element: HTMLElement | null) => void>()
  const resizes = new ResizeObserver(() => settle())
  let parts: { box: HTMLElement; spacer: HTMLElement } | null = null
  let ids: readonly string[] = []
  let estimate: (index: number) => number = () => 0
  let rendered: Range = { first: 0, end: 0 }
  let margin = FIRST
  let sticking = true
  let anchor: { id: string; fromTop: number } | null = null
  let scrollTop = 0
  let drift = 0
  /** A row is to be shown, and what is rendered still belongs to the place before: the scroll position there says nothing. */
  let leaving = false
  let resting: ReturnType<typeof setTimeout> | undefined
  let told = true

  /** Has the rows planned and rendered anew. */
  function change(): void {
    told = atEnd()
    onChange(told)
  }

  /** A row that was shown may lie on the last screen: then nothing is below, even though nobody is kept at the end. */
  function atEnd(): boolean {
    if (sticking || leaving || !parts) return sticking
    const { scrollHeight, clientHeight, scrollTop } = parts.box
    return scrollHeight - clientHeight - scrollTop <= END
  }

  const offsetsNow = () => layOut(ids, (id, index) => heights.get(id) ?? estimate(index))

  function wanted(offsets: Float64Array, ahead: number): Range {
    const height = parts?.box.clientHeight ?? innerHeight
    let top = sticking ? offsets[ids.length]! - height : scrollTop - drift
    // The anchor says better than the scroll position where the reader is: heights above it may just have changed.
    const anchored = sticking || !anchor ? -1 : ids.indexOf(anchor.id)
    if (anchored >= 0) top = offsets[anchored]! - anchor!.fromTop
    return rowsBetween(offsets, Math.max(0, top - ahead), top + height + ahead)
  }

  function renderIfNeeded(): void {
    if (told !== atEnd() || !holds(rendered, wanted(offsetsNow(), margin.slack))) change()
  }

  /** The first row in sight is the one whose place is kept. */
  function remember(box: HTMLElement): void {
    anchor = null
    for (let index = rendered.first; index < rendered.end; index++) {
      const element = elements.get(ids[index]!)
      if (!element) continue
      const fromTop = topIn(box, element)
      if (fromTop + element.offsetHeight <= 0) continue
      anchor = { id: ids[index]!, fromTop }
      return
    }
  }

  /** Takes note of what somebody scrolled since the last look. False: nobody did. */
  function takeScroll(box: HTMLElement): boolean {
    const scrolled = box.scrollTop - scrollTop
    if (Math.abs(scrolled) < 0.5) return false
    scrollTop = box.scrollTop
    const toEnd = box.scrollHeight - box.clientHeight - scrollTop
    // Upwards is a person's doing, however little: being pulled back to a growing end would hold them there.
    if (scrolled < 0 && toEnd > 1) sticking = false
    else if (toEnd <= END) sticking = true
    if (anchor) anchor.fromTop -= scrolled
    return true
  }

  /** Moves the rows by `delta` px: by the spacer while somebody scrolls, as far as it reaches, else by the scroll position. */
  function shift({ box, spacer }: NonNullable<typeof parts>, delta: number): void {
    // With the first row rendered there is nothing above it that a spacer could stand for.
    if (resting !== undefined && rendered.first > 0) {
      const before = spacer.getBoundingClientRect().height
      const after = Math.max(0, before - delta)
      spacer.style.height = `${after}px`
      drift += after - before
      delta += after - before
    }
    if (Math.abs(delta) > 0.5) box.scrollTop += delta
  }

  function settle(): void {
    if (!parts) return
    const { box } = parts
    if (!leaving) takeScroll(box)
    for (const [id, element] of elements) heights.set(id, element.getBoundingClientRect().height)
    if (sticking) {
      const end = box.scrollHeight - box.clientHeight
      if (Math.abs(box.scrollTop - end) > 0.5) box.scrollTop = end
    } else if (anchor) {
      const element = elements.get(anchor.id)
      if (element) leaving = false
      const moved = element ? topIn(box, element) - anchor.fromTop : 0
      if (Math.abs(moved) > 0.5) shift(parts, moved)
    } else remember(box)
    scrollTop = box.scrollTop
    renderIfNeeded()
  }

  function rest(): void {
    resting = undefined
    if (!parts || drift === 0 || leaving) return
    const { box, spacer } = parts
    takeScroll(box)
    spacer.style.height = `${spacer.getBoundingClientRect().height - drift}px`
    box.scrollTop -= drift
    drift = 0
    scrollTop = box.scrollTop
    change()
  }

  /** The place is chosen by the program: whatever was being scrolled no longer counts. */
  function leave(next: typeof anchor): void {
    clearTimeout(resting)
    resting = undefined
    drift = 0
    anchor = next
    leaving = next !== null
  }

  function onScroll(): void {
    if (!parts || leaving) return
    const before = sticking
    // What `settle` wrote comes back as an event, too: the place it keeps was not chosen anew.
    if (!takeScroll(parts.box)) return
    clearTimeout(resting)
    resting = setTimeout(rest, REST_MS)
    if (!sticking) remember(parts.box)
    if (before !== sticking) change()
    else renderIfNeeded()
  }

  return {
    plan(nextIds, nextEstimate) {
      ids = nextIds
      estimate = nextEstimate
      const offsets = offsetsNow()
      rendered = wanted(offsets, margin.ahead)
      const before = rendered.first === 0 ? 0 : Math.max(0, offsets[rendered.first]! + drift)
      drift = before - offsets[rendered.first]!
      return { range: rendered, before, after: offsets[ids.length]! - offsets[rendered.end]! }
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
    attach(box, spacer) {
      parts = { box, spacer }
      box.addEventListener('scroll', onScroll, { passive: true })
      resizes.observe(box)
      const frame = requestAnimationFrame(() => {
        margin = LATER
        change()
      })
      return () => {
        cancelAnimationFrame(frame)
        clearTimeout(resting)
        box.removeEventListener('scroll', onScroll)
        resizes.disconnect()
        parts = null
      }
    },
    settle,
    toEnd() {
      leave(null)
      sticking = true
      change()
    },
    show(id) {
      leave({ id, fromTop: SHOWN_AT })
      sticking = false
      change()
    },
  }
}

function topIn(box: HTMLElement, element: HTMLElement): number {
  return element.getBoundingClientRect().top - box.getBoundingClientRect().top
}
