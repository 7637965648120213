import { defaultSettings, type Settings } from '@fusion/shared/contract/settings.ts'
import { ask, fusion } from '../state/fusion.ts'
import { useReplica } from '../state/replica.ts'
import { setView } from '../state/view.ts'
import { showServer } from '../chat/open-chat.ts'
import { modelName } from '../models/model-words.ts'
import { Dialog } from '../ui/dialog.tsx'
import { AccountSection } from './account-section.tsx'
import { ChoiceField, NumberField, SelectField, TextField, ToggleField } from './fields.tsx'
import { SamplingFields } from './sampling-fields.tsx'
import './settings.css'

const themes = [
  { value: 'system', label: 'System' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
] as const

/** The person's settings. Each is kept at once; there is nothing to save. */
export function SettingsPanel() {
  const settings = useReplica(replica => replica.settings) ?? defaultSettings
  const models = useReplica(replica => replica.models?.entries) ?? []
  const app = useReplica(replica => replica.app)
  const set = (changed: Partial<Settings>) => ask(fusion.settings.set(changed))
  return (
    <Dialog title="Settings" onClose={() => setView({ panel: null })} className="settings">
      <section>
        <ChoiceField label="Theme" value={settings.theme} choices={themes} onChange={theme => set({ theme })} />
      </section>
      <AccountSection />
      <section aria-label="Models">
        <h3>Models</h3>
        <SelectField
          label="Model for new chats"
          value={settings.defaultModelId ?? ''}
          choices={[{ value: '', label: 'The best there is' }, ...models.map(entry => ({ value: entry.id, label: modelName(entry.file) }))]}
          onChange={value => set({ defaultModelId: value || null })}
        />
        <NumberField
          label="Window"
          hint="Most tokens a chat may fill. Larger windows take more memory."
          value={settings.contextTokens}
          min={256}
          max={1_048_576}
          placeholder="as memory allows"
          onChange={contextTokens => set({ contextTokens })}
        />
        <NumberField
          label="Threads"
          hint="Of the CPU, for each model."
          value={settings.threads}
          min={1}
          max={256}
          placeholder="by its cores"
          onChange={threads => set({ threads })}
        />
        <NumberField
          label="Unload after"
          hint="Minutes without a question. Then its memory is given back."
          value={settings.unloadAfterMinutes}
          min={1}
          max={10_080}
          placeholder="never"
          onChange={unloadAfterMinutes => set({ unloadAfterMinutes })}
        />
      </section>
      <section aria-label="Answers">
        <h3>Answers</h3>
        <TextField
          label="System prompt"
          hint="Told to the model before every chat that has none of its own."
          value={settings.systemPrompt}
          placeholder="None"
          maxLength={100_000}
          lines={3}
          onChange={systemPrompt => set({ systemPrompt })}
        />
        <SamplingFields sampling={settings.sampling} onChange={sampling => set({ sampling })} />
      </section>
      <section aria-label="Speed">
        <h3>Speed</h3>
        <ToggleField
          label="Read along while I type"
          hint="The model reads a draft on this computer before you send it, so that its answer begins at once."
          value={settings.prefillDrafts}
          onChange={prefillDrafts => set({ prefillDrafts })}
        />
        <ToggleField
          label="Keep what was read"
          hint="Long chats answer at once after opening. What is kept is the chat in another form, and is deleted with it."
          value={settings.keepStates}
          onChange={keepStates => set({ keepStates })}
        />
      </section>
      <section aria-label="Programs">
        <h3>Programs</h3>
        <div className="setting">
          <div>
            <b>Server</b>
            <small>Other programs on this computer can use its models.</small>
          </div>
          <button type="button" className="button small" onClick={showServer}>
            Show server
          </button>
        </div>
      </section>
      {app && (
        <footer className="about">
          Fusion {app.version}. Everything lies in <code>{app.dataFolder}</code>.
        </footer>
      )}
    </Dialog>
  )
}
