import { X } from 'lucide-react'
import { useEffect, useId, useRef, type ReactNode } from 'react'

interface DialogProps {
  title: string
  onClose: () => void
  children: ReactNode
  className?: string
  /** Without a visible heading, for the search. */
  bare?: boolean
}

/** A sheet over the page: the focus stays in it, Escape and a press beside it close it, and the focus goes back to where it was. */
export function Dialog({ title, onClose, children, className = '', bare = false }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null)
  const headingId = useId()
  useEffect(() => {
    const dialog = ref.current!
    const before = document.activeElement
    if (!dialog.open) dialog.showModal()
    // React does not write `autofocus`, which the browser would follow here.
    dialog.querySelector<HTMLElement>('[data-focus]')?.focus()
    return () => {
      dialog.close()
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    // The press on the backdrop has a keyboard twin: Escape.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <dialog
      ref={ref}
      className={`dialog ${className}`}
      aria-labelledby={bare ? undefined : headingId}
      aria-label={bare ? title : undefined}
      onCancel={event => {
        event.preventDefault()
        onClose()
      }}
      onMouseDown={event => {
        if (event.target === event.currentTarget) onClose()
      }}
    >
      {!bare && (
        <header>
          <h2 id={headingId}>{title}</h2>
          <button type="button" className="icon" aria-label="Close" onClick={onClose}>
            <X size={17} strokeWidth={1.8} aria-hidden />
          </button>
        </header>
      )}
      {children}
    </dialog>
  )
}
