import { type Draft, MAX_TEXT } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { fusion } from '../state/fusion.ts'
import { useReplica } from '../state/replica.ts'
import { setView } from '../state/view.ts'
import { currentDraft, drafts } from './drafts.ts'

/**
 * Appends a question. `parentId` names the place of an edited one; absent, it goes to the end of the shown branch. A connection lost on the
 * way does not ask twice: the same question id is sent again, and the engine knows it. Throws what the engine refuses it with.
 */
export async function sendQuestion(conversationId: string, draft: Draft, parentId?: string | null): Promise<void> {
  if (draft.text.length > MAX_TEXT) throw failure('message-too-large')
  const questionId = newId()
  const question = { conversationId, questionId, ...draft, ...(parentId !== undefined && { parentId }) }
  setView({ sent: questionId, failure: null })
  for (;;) {
    try {
      await fusion.turns.send(question)
      break
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'disconnected') throw error
    }
  }
  if (!useReplica.getState().settings?.guideSeen) await fusion.settings.set({ guideSeen: true })
}

/** Sends what stands in the composer, and puts it back where the engine refuses it. */
export async function sendDraft(conversationId: string): Promise<void> {
  const draft = currentDraft(conversationId)
  if (draft.text.trim() === '' && draft.attachments.length === 0) return
  drafts.clear(conversationId)
  try {
    await sendQuestion(conversationId, draft)
  } catch (error) {
    const meanwhile = currentDraft(conversationId)
    drafts.change(conversationId, {
      text: [draft.text, meanwhile.text].filter(Boolean).join('\n'),
      attachments: [...draft.attachments, ...meanwhile.attachments],
    })
    throw error
  }
}
