import { fusion } from '../state/fusion.ts'
import { useReplica } from '../state/replica.ts'

/** The model for the open chat; before its first message, for new chats from now on. */
export async function chooseModel(modelId: string): Promise<void> {
  const { open } = useReplica.getState()
  if (open?.conversation) await fusion.chats.setSettings({ conversationId: open.id, settings: { modelId } })
  else await fusion.settings.set({ defaultModelId: modelId })
}
