import type { ApiState } from '@fusion/shared/contract/api.ts'
import { defaultSettings, type Settings } from '@fusion/shared/contract/settings.ts'
import { NumberField, ToggleField } from '../settings/fields.tsx'
import { ask, fusion } from '../state/fusion.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { FailureLine } from '../ui/failure-line.tsx'

/** Whether it is open, and where. */
export function Opening({ api, settings }: { api: ApiState; settings: Settings }) {
  const set = (changed: Partial<Settings>) => ask(fusion.settings.set(changed))
  const { address, always, failure } = api
  return (
    <section aria-label="Open">
      {always ? (
        <p className="setting">
          <span>
            <b>On</b>
            <small>Fusion runs as a server on this computer, so this is always on.</small>
          </span>
        </p>
      ) : (
        <ToggleField
          label="Open to programs"
          hint="Only to programs on this computer that have a key. Off, nobody can ask."
          value={settings.apiOpen}
          onChange={apiOpen => set({ apiOpen })}
        />
      )}
      {(always || settings.apiOpen) && (
        <>
          {failure && <FailureLine failure={failure} />}
          <div className="setting">
            <div>
              <b>Address</b>
            </div>
            {address === null ? (
              <span className="empty">{failure ? 'Not open' : 'Opening…'}</span>
            ) : (
              <div className="copied">
                <code>{address}</code>
                <CopyButton text={() => address} label="Copy the address" className="button small" />
              </div>
            )}
          </div>
        </>
      )}
      {!always && settings.apiOpen && (
        <NumberField
          label="Port"
          hint="A part of the address. Change it where another program uses it."
          value={settings.apiPort}
          min={1}
          max={65_535}
          placeholder={String(defaultSettings.apiPort)}
          onChange={apiPort => set({ apiPort: apiPort ?? defaultSettings.apiPort })}
        />
      )}
    </section>
  )
}
