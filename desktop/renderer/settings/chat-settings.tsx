import { newConversationSettings, type Conversation, type ConversationSettings, type Privacy } from '@fusion/shared/chat/conversation.ts'
import { ask, fusion } from '../state/fusion.ts'
import { useReplica } from '../state/replica.ts'
import { setView } from '../state/view.ts'
import { modelName } from '../models/model-words.ts'
import { Dialog } from '../ui/dialog.tsx'
import { ChoiceField, SelectField, TextField, ToggleField } from './fields.tsx'
import { SamplingFields } from './sampling-fields.tsx'
import './settings.css'

const labels = [
  { value: 'local-only', label: 'This computer only' },
  { value: 'ask', label: 'Ask first' },
  { value: 'auto', label: 'Auto' },
] as const satisfies readonly { value: Privacy; label: string }[]

const meanings: Record<Privacy, string> = {
  'local-only': 'Nothing of this chat may leave this computer by any way.',
  ask: 'Fusion asks before anything of it leaves this computer.',
  auto: 'A model of the cloud gets what you write once you choose it for this chat. Otherwise nothing leaves this computer but what you ask for.',
}

/** What a chat is settled to before anything was chosen for it. */

/** What holds for the open chat alone; before its first message it has neither a title nor anything to keep private. */
export function ChatSettings() {
  const open = useReplica(replica => replica.open)
  const models = useReplica(replica => replica.models?.entries) ?? []
  const cloudModels = useReplica(replica => replica.account?.models) ?? []
  if (!open?.ready) return null
  const { id: conversationId, conversation, draftSettings } = open
  const settings = conversation?.settings ?? { ...newConversationSettings, ...draftSettings }
  const set = (changed: Partial<ConversationSettings>) => ask(fusion.chats.setSettings({ conversationId, settings: changed }))
  const gone = settings.modelId !== null && ![...models, ...cloudModels].some(entry => entry.id === settings.modelId)
  return (
    <Dialog title="Chat settings" onClose={() => setView({ panel: null })} className="settings">
      <section>
        {conversation && (
          <>
            <TextField label="Title" value={conversation.title} maxLength={200} onChange={title => rename(conversation, title)} />
            <ChoiceField
              label="Privacy"
              hint={meanings[conversation.privacy]}
              value={conversation.privacy}
              choices={labels}
              onChange={privacy => ask(fusion.chats.setPrivacy({ conversationId, privacy }))}
            />
          </>
        )}
        <SelectField
          label="Model"
          value={settings.modelId ?? ''}
          choices={[
            { value: '', label: 'As for new chats' },
            ...models.map(entry => ({ value: entry.id, label: modelName(entry.file) })),
            ...cloudModels.map(({ id, name }) => ({ value: id, label: `${name}, in the cloud` })),
            ...(gone ? [{ value: settings.modelId!, label: 'A model that is gone' }] : []),
          ]}
          onChange={value => set({ modelId: value || null })}
        />
      </section>
      <section aria-label="Answers">
        <h3>Answers</h3>
        <ToggleField
          label="A system prompt of its own"
          value={settings.systemPrompt !== null}
          onChange={own => set({ systemPrompt: own ? '' : null })}
        />
        {settings.systemPrompt !== null && (
          <TextField
            label="System prompt"
            value={settings.systemPrompt}
            placeholder="None"
            maxLength={100_000}
            lines={4}
            onChange={systemPrompt => set({ systemPrompt })}
          />
        )}
        <SamplingFields sampling={settings.sampling} ofChat onChange={sampling => set({ sampling })} />
        <ToggleField
          label="Keep what was read"
          hint="Off: nothing of this chat but its messages is kept on disk."
          value={settings.keepState}
          onChange={keepState => set({ keepState })}
        />
      </section>
    </Dialog>
  )
}

function rename(conversation: Conversation, title: string): void {
  const next = title.trim()
  if (next && next !== conversation.title) ask(fusion.chats.rename({ conversationId: conversation.id, title: next }))
}
