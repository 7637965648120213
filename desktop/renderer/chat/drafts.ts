import type { Draft } from '@fusion/shared/contract/engine.ts'
import { createDrafts } from '../state/drafts.ts'
import { fusion } from '../state/fusion.ts'
import { emptyDraft, useReplica } from '../state/replica.ts'
import { useView } from '../state/view.ts'

/** The drafts of this window. */
export const drafts = createDrafts({ view: useView, replica: useReplica, save: fusion.drafts.set })

/** What stands in a chat's composer: what was typed here, else what the engine kept. */
export function useDraft(conversationId: string): Draft {
  const typing = useView(view => view.typing[conversationId])
  const kept = useReplica(replica => (replica.open?.id === conversationId ? replica.open.draft : emptyDraft))
  return typing ?? kept
}

/** The same, for an event handler. */
export function currentDraft(conversationId: string): Draft {
  const { open } = useReplica.getState()
  const { text, attachments } = useView.getState().typing[conversationId] ?? (open?.id === conversationId ? open.draft : emptyDraft)
  return { text, attachments }
}
