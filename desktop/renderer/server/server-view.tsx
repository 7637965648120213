import type { ApiState } from '@fusion/shared/contract/api.ts'
import { defaultSettings } from '@fusion/shared/contract/settings.ts'
import { useState } from 'react'
import { DrawerButton } from '../chat/sidebar/drawer-button.tsx'
import { useReplica } from '../state/replica.ts'
import { setView, useView } from '../state/view.ts'
import { FailureLine } from '../ui/failure-line.tsx'
import '../settings/settings.css'
import { Allowed } from './allowed.tsx'
import { Examples } from './examples.tsx'
import { Figures } from './figures.tsx'
import { Keys } from './keys.tsx'
import { ModelNames } from './model-names.tsx'
import type { FreshKey } from './new-key.tsx'
import { Opening } from './opening.tsx'
import './server.css'

/** The local API: whether it is open, for whom, what it does now, and how a program uses it. */
export function ServerView() {
  const api = useReplica(replica => replica.api)
  const settings = useReplica(replica => replica.settings) ?? defaultSettings
  const lost = useReplica(replica => replica.connection === 'lost')
  const failure = useView(view => view.failure)
  return (
    <main className="screen">
      <header className="head">
        <DrawerButton />
        <h1>Server</h1>
      </header>
      <div className="server">
        <p className="intro">Other programs on this computer can use its models, as they would use OpenAI’s.</p>
        {lost && (
          <p className="lost" role="status">
            The connection to the engine was lost. Fusion is connecting again.
          </p>
        )}
        {failure && <FailureLine failure={failure} onClose={() => setView({ failure: null })} />}
        {api && <Opening api={api} settings={settings} />}
        {api && <Inside api={api} />}
      </div>
    </main>
  )
}

/** What there is to see once it is open, or was: before that, turning it on is the one thing to do; then it is to make a key. */
function Inside({ api }: { api: ApiState }) {
  const settings = useReplica(replica => replica.settings) ?? defaultSettings
  const [fresh, setFresh] = useState<FreshKey | null>(null)
  const open = api.always || settings.apiOpen
  const usable = api.keys.length > 0 || api.environmentKey || fresh !== null
  if (!open && !usable) return null
  const address = api.address ?? `http://127.0.0.1:${settings.apiPort}/v1`
  return (
    <>
      {usable && api.address !== null && <Figures api={api} />}
      <Keys api={api} fresh={fresh} onFresh={setFresh} />
      {usable && (
        <>
          <Examples address={address} secret={fresh?.secret ?? null} models={api.models} />
          <ModelNames names={api.models} />
          <Allowed settings={settings} />
        </>
      )}
    </>
  )
}
