import type { ReactNode } from 'react'
import { Dialog } from './dialog.tsx'

interface ConfirmProps {
  title: string
  children: ReactNode
  action: string
  onConfirm: () => void
  onClose: () => void
}

/** A question before what cannot be undone. The safe answer has the focus. */
export function Confirm({ title, children, action, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose} className="confirm">
      <p>{children}</p>
      <footer>
        {/* The focus belongs on the answer that loses nothing. */}
        <button type="button" className="button" data-focus onClick={onClose}>
          Keep
        </button>
        <button
          type="button"
          className="button danger"
          onClick={() => {
            onConfirm()
            onClose()
          }}
        >
          {action}
        </button>
      </footer>
    </Dialog>
  )
}
