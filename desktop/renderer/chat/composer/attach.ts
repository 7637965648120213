import { MAX_ATTACHMENTS } from '@fusion/shared/contract/engine.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { fusion } from '../../state/fusion.ts'
import { setView } from '../../state/view.ts'
import { currentDraft, drafts } from '../drafts.ts'
import { readText } from './read-text.ts'

/** Attaches text files to a chat's draft, one after the other; what is not text, too large or one too many is refused in words. */
export async function attachFiles(conversationId: string, files: readonly File[]): Promise<void> {
  for (const file of files) {
    try {
      const text = await readText(file)
      const { attachment } = await fusion.attachments.add({ name: file.name.slice(0, 255), text })
      const draft = currentDraft(conversationId)
      if (draft.attachments.some(other => other.hash === attachment.hash)) continue
      if (draft.attachments.length >= MAX_ATTACHMENTS) throw failure('too-many-files')
      drafts.change(conversationId, { ...draft, attachments: [...draft.attachments, attachment] })
    } catch (error) {
      setView({ failure: Failure.toBody(error) })
    }
  }
}
