import { CONTRACT_VERSION } from '@fusion/shared/contract/version.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { createRoot } from 'react-dom/client'
import '@fontsource-variable/inter/wght.css'
import '@fontsource-variable/jetbrains-mono/wght.css'
import { drafts } from '../chat/drafts.ts'
import { loadGrammars } from '../chat/markdown/highlight.tsx'
import { link } from '../state/fusion.ts'
import { createMirror } from '../state/mirror.ts'
import { shelf, useReplica } from '../state/replica.ts'
import { setView, useView } from '../state/view.ts'
import '@fusion/shared/look/tokens.css'
import '@fusion/shared/look/base.css'
import '@fusion/shared/look/controls.css'
import { App } from './app.tsx'
import './app.css'
import { followSelection } from './follow-selection.ts'
import { reloadOnce } from './reload-once.ts'

const mirror = createMirror({
  link,
  store: useReplica,
  shelf,
  onFailure: error => setView({ failure: Failure.toBody(error) }),
})
followSelection(mirror)
useView.subscribe(({ screen }) => mirror.showServer(screen === 'server'))
useReplica.subscribe(({ app }) => app && reloadOnce(app.contractVersion === CONTRACT_VERSION))
// A page that is hidden may be killed without another word.
document.addEventListener('visibilitychange', () => document.hidden && drafts.flush())
window.addEventListener('pagehide', drafts.flush)
// Where nothing can be saved, the browser asks before what was typed is lost. (Electron would not ask, but stay open.)
window.addEventListener('beforeunload', event => {
  const lost = drafts.endangered(useReplica.getState().connection === 'online')
  if (lost && location.protocol !== 'app:') event.preventDefault()
})

// Safari has no idle callbacks; its grammars come with the first code.
window.requestIdleCallback?.(() => void loadGrammars().catch(() => {}), { timeout: 5000 })

createRoot(document.getElementById('root')!).render(<App />)
