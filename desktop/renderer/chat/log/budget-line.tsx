import { budgetSentence } from '@fusion/shared/chat/budget-warning.ts'
import type { Message } from '@fusion/shared/chat/message.ts'

/** That little is left of what may be used, as the cloud said when it began this answer. A failure says more of it, or something worse. */
export function BudgetLine({ message: { segments, status } }: { message: Message }) {
  const warning = segments.at(-1)?.budgetWarning
  if (!warning || status === 'failed') return null
  return (
    <p className="budget" role="status">
      {budgetSentence(warning)}
    </p>
  )
}
