import { useEffect } from 'react'
import { showChat } from '../open-chat.ts'
import { ask, fusion } from '../../state/fusion.ts'
import { useReplica } from '../../state/replica.ts'
import { setView, useView } from '../../state/view.ts'

/** Long enough to read and press; afterwards the trash has it. */
const STAYS_MS = 10_000

/** Says that a chat went to the trash, and takes it back at a press. */
export function UndoBar() {
  const asked = useView(view => view.undo)
  // Brought back elsewhere, or deleted for good: then there is nothing left to undo.
  const inTrash = useReplica(replica => asked !== null && replica.chats[asked.conversationId]?.life === 'trash')
  const undo = inTrash ? asked : null
  useEffect(() => {
    if (!asked) return
    const timer = setTimeout(() => setView({ undo: null }), STAYS_MS)
    return () => clearTimeout(timer)
  }, [asked])
  const restore = async (conversationId: string) => {
    await fusion.chats.restore({ conversationId })
    setView({ undo: null })
    showChat(conversationId)
  }
  return (
    <div className="undo" role="status">
      {undo && (
        <>
          <span>
            In the trash:
            <b>{undo.title}</b>
          </span>
          <button type="button" className="button small" onClick={() => ask(restore(undo.conversationId))}>
            Undo
          </button>
        </>
      )}
    </div>
  )
}
