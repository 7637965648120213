import { sentence } from '@fusion/shared/contract/failures.ts'
import type { FailureBody } from '@fusion/shared/rpc/failure.ts'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'

interface FailureLineProps {
  failure: FailureBody
  onClose?: () => void
  /** What to press next. */
  children?: ReactNode
  quiet?: boolean
}

/** What happened, what was kept and what to do, in the words of the contract, with the buttons that do it. */
export function FailureLine({ failure, onClose, children, quiet = false }: FailureLineProps) {
  const { what, next } = sentence(failure)
  return (
    <div className={quiet ? 'note quiet' : 'note bad'} role={quiet ? 'status' : 'alert'}>
      <p>
        {what} <span>{next}</span>
      </p>
      {children && <div className="go">{children}</div>}
      {onClose && (
        <button type="button" className="icon" aria-label="Dismiss" onClick={onClose}>
          <X size={15} strokeWidth={1.8} aria-hidden />
        </button>
      )}
    </div>
  )
}
