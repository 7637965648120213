import type { LucideIcon } from 'lucide-react'
import { useRef, useState, type ReactNode } from 'react'
import { Popover } from './popover.tsx'

interface MenuProps {
  label: string
  icon: LucideIcon
  className?: string
  /** Gets `close`, to be called by an item that did its work. */
  children: (close: () => void) => ReactNode
}

/** A button with an icon that opens a menu. */
export function Menu({ label, icon: Icon, className = 'icon', children }: MenuProps) {
  const [open, setOpen] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  return (
    <>
      <button
        ref={button}
        type="button"
        className={className}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon size={16} strokeWidth={1.8} aria-hidden />
      </button>
      {open && (
        <Popover anchor={button} onClose={() => setOpen(false)} label={label} role="menu" align="end" className="menu">
          {children(() => setOpen(false))}
        </Popover>
      )}
    </>
  )
}

interface MenuItemProps {
  icon?: LucideIcon
  onSelect: () => void
  children: ReactNode
  checked?: boolean
  danger?: boolean
}

export function MenuItem({ icon: Icon, onSelect, children, checked, danger }: MenuItemProps) {
  return (
    <button
      type="button"
      role={checked === undefined ? 'menuitem' : 'menuitemradio'}
      aria-checked={checked}
      className={danger ? 'danger' : undefined}
      tabIndex={-1}
      onClick={onSelect}
    >
      {Icon && <Icon size={15} strokeWidth={1.8} aria-hidden />}
      <span>{children}</span>
    </button>
  )
}
