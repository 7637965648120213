import { useEffect, useEffectEvent, useLayoutEffect, useRef, type KeyboardEvent, type ReactNode, type RefObject } from 'react'

interface PopoverProps {
  anchor: RefObject<HTMLElement | null>
  onClose: () => void
  children: ReactNode
  label: string
  role?: 'menu' | 'dialog'
  /** The side of the anchor whose edge it shares. */
  align?: 'start' | 'end'
  className?: string
}

const FOCUSABLE = 'button:not(:disabled), a[href], input:not(:disabled), select:not(:disabled), textarea:not(:disabled), [tabindex="0"]'
const GAP = 6
const MARGIN = 8

/**
 * What floats beside a button: a menu or a small panel. It lies in the top layer (the browser's popover), takes the focus, gives it back,
 * and closes by Escape, by a press elsewhere, and when the focus leaves. Arrow keys walk through a menu.
 */
export function Popover({ anchor, onClose, children, label, role = 'dialog', align = 'start', className = '' }: PopoverProps) {
  const ref = useRef<HTMLDivElement>(null)
  const closed = useEffectEvent(onClose)

  useLayoutEffect(() => {
    const popover = ref.current!
    popover.showPopover()
    const place = () => {
      const at = anchor.current?.getBoundingClientRect()
      if (!at) return
      const { offsetWidth: width, offsetHeight: height } = popover
      const below = innerHeight - at.bottom - GAP - MARGIN
      const above = at.top - GAP - MARGIN
      const left = align === 'start' ? at.left : at.right - width
      popover.style.left = `${Math.max(MARGIN, Math.min(left, innerWidth - width - MARGIN))}px`
      popover.style.maxHeight = `${Math.max(below, above)}px`
      popover.style.top = height <= below || below >= above ? `${at.bottom + GAP}px` : `${Math.max(MARGIN, at.top - GAP - height)}px`
    }
    place()
    const resizing = new ResizeObserver(place)
    resizing.observe(popover)
    window.addEventListener('resize', place)
    return () => {
      resizing.disconnect()
      window.removeEventListener('resize', place)
    }
  }, [anchor, align])

  useEffect(() => {
    const popover = ref.current!
    const before = anchor.current
    const first = popover.querySelector<HTMLElement>('[aria-checked="true"], [data-first]') ?? popover.querySelector<HTMLElement>(FOCUSABLE)
    ;(first ?? popover).focus()
    const onToggle = (event: ToggleEvent) => {
      if (event.newState === 'closed') closed()
    }
    popover.addEventListener('toggle', onToggle)
    return () => {
      popover.removeEventListener('toggle', onToggle)
      if (popover.contains(document.activeElement) || document.activeElement === document.body) before?.focus()
    }
  }, [anchor])

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.preventDefault()
      event.stopPropagation()
      anchor.current?.focus()
      return onClose()
    }
    if (role !== 'menu') return
    const items = [...ref.current!.querySelectorAll<HTMLElement>(FOCUSABLE)]
    const index = items.indexOf(document.activeElement as HTMLElement)
    const to = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: -1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    items.at(to % items.length)?.focus()
  }

  return (
    // The keys are those of what is in it; its role is given by whoever opens it.
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      ref={ref}
      popover="auto"
      role={role}
      aria-label={label}
      tabIndex={-1}
      className={`popover ${className}`}
      onKeyDown={onKeyDown}
      onBlur={event => {
        const to = event.relatedTarget
        if (to instanceof Node && !ref.current?.contains(to) && to !== anchor.current) onClose()
      }}
    >
      {children}
    </div>
  )
}
