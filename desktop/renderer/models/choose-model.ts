import { fusion } from '../state/fusion.ts'
import { useReplica } from '../state/replica.ts'

/** The model for the open chat, also before its first message. */
export async function chooseModel(modelId: string): Promise<void> {
  const { open } = useReplica.getState()
  if (open) await fusion.chats.setSettings({ conversationId: open.id, settings: { modelId } })
}
