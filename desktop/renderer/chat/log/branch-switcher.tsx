import { ChevronLeft, ChevronRight } from 'lucide-react'
import { ask, fusion } from '../../state/fusion.ts'

interface BranchSwitcherProps {
  conversationId: string
  messageId: string
  siblings: readonly string[]
}

/** "‹ 2 of 3 ›": the versions of one message. Showing another moves the chat's head to the newest leaf below it. */
export function BranchSwitcher({ conversationId, messageId, siblings }: BranchSwitcherProps) {
  const index = siblings.indexOf(messageId)
  const show = (to: string | undefined) => to && ask(fusion.chats.showBranch({ conversationId, messageId: to }))
  return (
    <span className="branches">
      <button
        type="button"
        className="icon small"
        aria-label="Earlier version"
        disabled={index <= 0}
        onClick={() => show(siblings[index - 1])}
      >
        <ChevronLeft size={14} strokeWidth={1.8} aria-hidden />
      </button>
      {index + 1} of {siblings.length}
      <button
        type="button"
        className="icon small"
        aria-label="Later version"
        disabled={index >= siblings.length - 1}
        onClick={() => show(siblings[index + 1])}
      >
        <ChevronRight size={14} strokeWidth={1.8} aria-hidden />
      </button>
    </span>
  )
}
